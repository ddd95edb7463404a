"""What is done when this machine's clock was set: somebody is told, and waiting callers are freed."""

import structlog

from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.waking import wake_waiting
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import ClockWatch
from callcenter.core.db import Database

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0


class ClockKeeper:
    """Of one PBX, which runs by the same clock. ``commands``: the session by which it is told."""

    def __init__(self, database: Database, commands: AmiSession, pbx: str, clock: ClockWatch) -> None:
        self._database = database
        self._commands = commands
        self._pbx = pbx
        self._clock = clock
        self._wake_due = False

    async def look(self) -> None:
        """Times in the records of these minutes are not what they seem: one alarm a step, whether the PBX is there
        or not; waiting callers are woken as soon as it is."""
        step_seconds = self._clock.step_seconds()
        if step_seconds:
            log.error("clock_stepped", seconds=round(step_seconds, 3))
            async with self._database.transaction() as session:
                await raise_alarm(session, "clock_stepped", key=self._pbx, seconds=round(step_seconds, 3))
            self._clock.accept(step_seconds)
            self._wake_due = self._wake_due or step_seconds < 0
        if self._wake_due and self._commands.connected:
            await wake_waiting(self._commands)
            self._wake_due = False
