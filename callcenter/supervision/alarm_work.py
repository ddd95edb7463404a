"""What an engine does for alarms: a look at the rules every second, all of it in one short transaction."""

import time
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.supervision import alarm_queries as queries
from callcenter.supervision.alarm_measures import Measure, Readings
from callcenter.supervision.alarm_rules import RuleLook, ensure_shipped
from callcenter.supervision.alarm_surroundings import Surroundings

LOOK_SECONDS = 1.0
CALLS_SECONDS = 4.0
"""Between two countings of calls."""
READINGS_SECONDS = 5.0
"""How old what other processes read of our surroundings may be."""
_LATELY = timedelta(hours=1)


class AlarmWork:
    """Of one active engine."""

    def __init__(self, settings: Settings, database: Database, surroundings: Surroundings) -> None:
        self._settings = settings
        self._database = database
        self._surroundings = surroundings
        self._zone = ZoneInfo(settings.time_zone)
        self._has_shipped = False
        self._calls_due_at = self._readings_due_at = time.monotonic()

    async def look(self) -> None:
        """One look; a missed one costs only time."""
        pbx, at, started = self._settings.pbx_name, now(), time.monotonic()
        async with self._database.transaction() as session:
            read = await queries.ledger_offsets(session, pbx, since=at - _LATELY)
        seen = await self._surroundings.look(read)
        async with self._database.transaction() as session:
            if not self._has_shipped:
                await ensure_shipped(session)
            counts_calls, tells = started >= self._calls_due_at, started >= self._readings_due_at
            look = RuleLook(
                session,
                pbx=pbx,
                seen=seen,
                is_live=self._surroundings.is_connected,
                counts_calls=counts_calls,
                zone=self._zone,
            )
            await look.evaluate(at)
            if tells:
                await queries.put_readings(session, self._rows(seen))
        self._has_shipped = True
        if counts_calls:
            self._calls_due_at = started + CALLS_SECONDS
        if tells:
            self._readings_due_at = started + READINGS_SECONDS

    def _rows(self, seen: dict[Measure, Readings]) -> list[dict[str, Any]]:
        pbx, at = self._settings.pbx_name, now()
        return [
            {"measure": measure, "subject": subject, "pbx": pbx, "value": reading.value, "at": at}
            for measure, readings in seen.items()
            for subject, reading in readings.items()
        ]
