"""Who last talked with a caller: one question, within the limit of a running call."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from callcenter.calls.service import find_last_agent
from callcenter.core.db import Database
from callcenter.ivr.limits import limited


class LastAgents(Protocol):
    async def find(self, e164: str | None, *, patient_id: UUID | None, since: datetime) -> str | None:
        """Number of the agent who last talked with this caller; ``patient_id``: only if verified.

        Raises DatabaseAway.
        """


class DatabaseLastAgents:
    """:class:`LastAgents` in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, e164: str | None, *, patient_id: UUID | None, since: datetime) -> str | None:
        return await limited(self._find(e164, patient_id, since))

    async def _find(self, e164: str | None, patient_id: UUID | None, since: datetime) -> str | None:
        async with self._database.transaction() as session:
            return await find_last_agent(session, e164=e164, patient_id=patient_id, since=since)
