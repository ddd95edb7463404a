"""Who last talked with a simulated caller."""

from datetime import datetime
from uuid import UUID

from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.simulation.callers import CallerKind

AGENT = "1001"


class SimulatedLastAgents:
    """Whoever is known has talked with :data:`AGENT`."""

    def __init__(self, kind: CallerKind) -> None:
        self._kind = kind

    async def find(self, e164: str | None, *, patient_id: UUID | None, since: datetime) -> str | None:
        if self._kind == "away":
            raise DatabaseAway
        return None if self._kind == "unknown" else AGENT
