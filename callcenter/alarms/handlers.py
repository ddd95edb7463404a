"""Somebody guesses SIP or AMI passwords: one alarm for each address, counted; a flood writes little."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.consumer import Handler
from callcenter.asterisk.events import Event
from callcenter.asterisk.security_events import RefusedLogin
from callcenter.core.alarms import raise_alarm

ALARM = "password_guessing"
TOLERATED = 10
"""A telephone that somebody has just set up wrongly tries a few times."""
WINDOW_SECONDS = 300.0
REPORT_SECONDS = 5.0
"""Between two writes about one address."""
MAX_SOURCES = 1_000
"""UDP's addresses can be forged: beyond these the longest known are forgotten."""


@dataclass(slots=True)
class _Source:
    began_at: float
    refused: int = 0
    reported_at: float | None = None


class LoginGuesses:
    """Counts in memory: a process that begins anew tells of a guesser after as many guesses again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sources: OrderedDict[tuple[str, str], _Source] = OrderedDict()
        self.handlers: dict[type[Event], Handler] = {RefusedLogin: self.on_refused_login}

    async def on_refused_login(self, event: RefusedLogin, session: AsyncSession) -> None:
        """Raise the alarm beyond TOLERATED; its ``refused`` says how many there were since the guessing began."""
        at = self._clock()
        source = self._count(event, at)
        is_told = source.reported_at is not None and at - source.reported_at < REPORT_SECONDS
        if source.refused <= TOLERATED or is_told:
            return
        source.reported_at = at
        key = f"{event.service}:{event.source or 'unknown'}"
        await raise_alarm(session, ALARM, key=key, refused=source.refused, service=event.service, source=event.source)

    def _count(self, event: RefusedLogin, at: float) -> _Source:
        key = (event.service, event.source)
        source = self._sources.get(key)
        if source is None or at - source.began_at > WINDOW_SECONDS:
            source = self._sources[key] = _Source(began_at=at)
        self._sources.move_to_end(key)
        if len(self._sources) > MAX_SOURCES:
            self._sources.popitem(last=False)
        source.refused += 1
        return source
