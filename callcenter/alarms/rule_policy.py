"""When a rule raises its alarm and when it clears it: a state machine without I/O, a step at each look.

    well > pending > raised > clearing > well

A value that is bad for ``for_seconds`` raises; one that is beyond ``clear_threshold`` for ``clear_seconds`` clears.
In between, nothing changes: so a value that trembles around the threshold is one alarm.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Comparison = Literal["above", "below"]


class Phase(StrEnum):
    PENDING = "pending"
    """Bad, not yet for long enough."""
    RAISED = "raised"
    CLEARING = "clearing"
    """Raised, and good again, not yet for long enough."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a rule (callcenter.alarms.models.AlarmRule)."""

    comparison: Comparison
    threshold: float
    for_seconds: float
    clear_threshold: float
    clear_seconds: float

    def is_bad(self, value: float | None) -> bool:
        """Beyond the threshold. None: there is nothing to measure, which is not bad."""
        if value is None:
            return False
        return value > self.threshold if self.comparison == "above" else value < self.threshold

    def is_good(self, value: float | None) -> bool:
        """Good again: at the clear threshold or on its good side."""
        if value is None:
            return True
        return value <= self.clear_threshold if self.comparison == "above" else value >= self.clear_threshold

    def are_in_order(self) -> bool:
        """Whether the clear threshold lies on the good side: else it would clear what is still bad."""
        if self.comparison == "above":
            return self.clear_threshold <= self.threshold
        return self.clear_threshold >= self.threshold


@dataclass(frozen=True, slots=True)
class Standing:
    """In ``phase`` since ``since``. (All is well: no Standing.)"""

    phase: Phase
    since: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What a look made of it. ``raises`` and ``clears``: the alarm, now; never both."""

    standing: Standing | None
    raises: bool = False
    clears: bool = False


def look(standing: Standing | None, value: float | None, limits: Limits, at: datetime) -> Step:
    """The step from ``standing`` for ``value`` measured at ``at``; pure.

    A clock that was set back makes a span begin anew; one set forward ends it.
    """
    if standing is not None and standing.since > at:
        standing = Standing(standing.phase, at)
    if standing is None or standing.phase is Phase.PENDING:
        return _towards_raised(standing, value, limits, at)
    return _towards_cleared(standing, value, limits, at)


def _towards_raised(pending: Standing | None, value: float | None, limits: Limits, at: datetime) -> Step:
    if not limits.is_bad(value):
        return Step(None)
    pending = pending or Standing(Phase.PENDING, at)
    if (at - pending.since).total_seconds() >= limits.for_seconds:
        return Step(Standing(Phase.RAISED, at), raises=True)
    return Step(pending)


def _towards_cleared(standing: Standing, value: float | None, limits: Limits, at: datetime) -> Step:
    if not limits.is_good(value):
        return Step(standing if standing.phase is Phase.RAISED else Standing(Phase.RAISED, at))
    clearing = standing if standing.phase is Phase.CLEARING else Standing(Phase.CLEARING, at)
    if (at - clearing.since).total_seconds() >= limits.clear_seconds:
        return Step(None, clears=True)
    return Step(clearing)
