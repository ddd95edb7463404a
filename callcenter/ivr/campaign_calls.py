"""What a flow must know of a call that a campaign makes: whom it is for, and what that person is to hear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from callcenter.campaigns import outcalls
from callcenter.core.db import Database
from callcenter.ivr.limits import limited
from callcenter.ivr.line import Sound


@dataclass(frozen=True, slots=True)
class CampaignCall:
    """``flow``: the campaign's. ``e164``: the number that was dialled. ``texts``: by name, the pieces to play.
    ``birth_date``: YYYYMMDD, or empty.
    """

    flow: str
    e164: str = ""
    patient_id: str = ""
    birth_date: str = ""
    texts: Mapping[str, Sequence[Sound]] = field(default_factory=dict)


class CampaignCalls(Protocol):
    async def find(self, attempt_id: str) -> CampaignCall | None:
        """The open attempt's call; None: there is none. Raises DatabaseAway."""


class DatabaseCampaignCalls:
    """:class:`CampaignCalls` in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, attempt_id: str) -> CampaignCall | None:
        return await limited(self._find(attempt_id))

    async def _find(self, attempt_id: str) -> CampaignCall | None:
        async with self._database.transaction() as session:
            found = await outcalls.find(session, attempt_id)
        if found is None:
            return None
        texts = {name: tuple(Sound(one.file, one.seconds) for one in sounds) for name, sounds in found.sounds.items()}
        return CampaignCall(found.flow, found.e164, str(found.patient_id or ""), found.birth_date, texts)
