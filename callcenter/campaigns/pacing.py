"""How fast is dialled: pure. Calls are spread evenly over time instead of coming in bursts."""

from dataclasses import dataclass

_NEARLY_ONE = 0.999


@dataclass(slots=True)
class Pacer:
    """``rate`` calls a second. What a stall of ours held up is not made good beyond :attr:`burst_seconds`."""

    rate: float
    burst_seconds: float = 1.0
    _owed: float = 0.0
    _at: float | None = None

    def due(self, at: float, most: int) -> int:
        """How many calls may begin at ``at`` (seconds of a clock that never goes back), at most ``most``."""
        if self._at is None:
            self._owed, self._at = 1.0, at
        self._owed = min(self._owed + (at - self._at) * self.rate, self._most_owed())
        self._at = at
        return max(0, min(int(self._owed), most))

    def _most_owed(self) -> float:
        """Whole calls, and what has come together of the next: a tick that is late does not lose it."""
        return max(1, int(self.rate * self.burst_seconds)) + _NEARLY_ONE

    def spend(self, calls: int) -> None:
        """So many were begun."""
        self._owed -= calls
