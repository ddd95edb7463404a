"""The time, in one place, so that tests can turn it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC datetime."""


def now() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)


SMALLEST_STEP_SECONDS = 2.0
"""Less than this is what a time service does all day."""
CLOCK_TOLERANCE = timedelta(seconds=SMALLEST_STEP_SECONDS)
"""What lies further in the future than this was written before the clock was set back."""


class ClockWatch:
    """Notices that the clock was set: it then moves otherwise than the monotonic one, which nobody can set.

    (A machine that slept shows the same: its wall clock went on.)
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._difference = wall() - monotonic()

    def step_seconds(self) -> float:
        """By how much it was set since the last :meth:`accept`; negative: back; 0.0: not worth a word."""
        step = self._wall() - self._monotonic() - self._difference
        if abs(step) >= SMALLEST_STEP_SECONDS:
            return step
        self._difference += step  # what drifts slowly adds up to no step
        return 0.0

    def accept(self, step_seconds: float) -> None:
        """What :meth:`step_seconds` told has been dealt with."""
        self._difference += step_seconds
