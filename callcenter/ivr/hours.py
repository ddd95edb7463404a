"""Whether a service is open now, and what callers hear while it is closed in an emergency."""

from typing import Protocol
from uuid import UUID

import structlog

from callcenter.calendar.closures import announcement_slot
from callcenter.calendar.errors import ScheduleNotFound
from callcenter.calendar.policy import Opening
from callcenter.calendar.public_days import Place
from callcenter.calendar.service import get_opening
from callcenter.core.clock import Clock, now
from callcenter.core.db import Database
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.limits import limited
from callcenter.ivr.line import Sound
from callcenter.ivr.recent import Recent
from callcenter.speech.languages import Language
from callcenter.speech.service import find_sounds

log = structlog.get_logger(__name__)

OPEN = Opening("open")


class Hours(Protocol):
    """No question fails: a caller is never refused because of us."""

    async def opening(self, schedule_name: str) -> Opening:
        """Of a schedule, now. Open too when there is no such schedule, or nobody who knows."""

    async def find_announcement(self, closure_id: UUID, language: Language) -> Sound | None:
        """What callers hear during a closure; None: the standard prompt must do."""


class RecentOpenings:
    """Of schedules, as they were a moment ago (see ivr.recent)."""

    def __init__(self, database: Database, place: Place, clock: Clock = now) -> None:
        self._database = database
        self._place = place
        self._clock = clock
        self._recent: Recent[Opening] = Recent()

    async def of(self, schedule_name: str | None) -> Opening:
        """Whether a schedule is open; None: what has none. Raises ScheduleNotFound."""
        return await self._recent.get(schedule_name, lambda: self._ask(schedule_name))

    async def _ask(self, schedule_name: str | None) -> Opening:
        async with self._database.transaction() as session:
            return await get_opening(session, schedule_name, self._clock(), place=self._place)


class DatabaseHours:
    """:class:`Hours` in PostgreSQL."""

    def __init__(self, database: Database, openings: RecentOpenings) -> None:
        self._database = database
        self._openings = openings

    async def opening(self, schedule_name: str) -> Opening:
        try:
            return await limited(self._openings.of(schedule_name))
        except (DatabaseAway, ScheduleNotFound) as error:
            log.warning("taken_for_open", schedule=schedule_name, reason=error.message)
            return OPEN

    async def find_announcement(self, closure_id: UUID, language: Language) -> Sound | None:
        try:
            return await limited(self._find_announcement(closure_id, language))
        except DatabaseAway as error:
            log.warning("announcement_not_found", closure=str(closure_id), reason=error.message)
            return None

    async def _find_announcement(self, closure_id: UUID, language: Language) -> Sound | None:
        slot = announcement_slot(closure_id)
        async with self._database.transaction() as session:
            found = (await find_sounds(session, [slot], language)).get(slot)
        return Sound(found.file, found.seconds) if found else None
