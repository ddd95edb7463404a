"""How long an agent was in which state: pure functions over the agent's own history.

Every moment at work is counted in exactly one state, so the parts add up to the logged-in time to the microsecond
(docs/glossary.md, "workload"). The same rules in SQL, for many agents and intervals at once: reports/queries.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from callcenter.agents.models import Activity, Wanted


class Change(Protocol):
    """What counts of a row of history (:class:`callcenter.agents.models.AgentStateChange`)."""

    @property
    def at(self) -> datetime: ...
    @property
    def wanted(self) -> str: ...
    @property
    def pause_reason(self) -> str | None: ...
    @property
    def activity(self) -> str: ...
    @property
    def call_id(self) -> str | None: ...


class State(StrEnum):
    """What a moment at work is counted as. A call goes before a pause: a paused agent on a call is ``on_call``."""

    AVAILABLE = "available"
    PAUSED = "paused"
    RINGING = "ringing"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    UNOBSERVED = "unobserved"
    """Nobody watched the PBX: what the agent did is not known, and not guessed."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` until before ``end``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class StateSpan:
    """``pause_reason``: of PAUSED (None: not yet available after the log-in). ``call_id``: the call that rings or
    talks, or whose wrap-up it is."""

    start: datetime
    end: datetime
    state: State
    pause_reason: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Durations:
    """``paused`` by reason; None: logged in, but not yet available."""

    available: timedelta = timedelta()
    ringing: timedelta = timedelta()
    on_call: timedelta = timedelta()
    wrap_up: timedelta = timedelta()
    unobserved: timedelta = timedelta()
    paused: Mapping[str | None, timedelta] = field(default_factory=dict)

    @property
    def logged_in(self) -> timedelta:
        """All of the above."""
        parts = (self.available, self.ringing, self.on_call, self.wrap_up, self.unobserved, *self.paused.values())
        return sum(parts, timedelta())


def state_of(wanted: str, activity: str, *, watched: bool) -> State | None:
    """What a moment is counted as; None: not at work.

    The end of a call that outlasts the log-out is work. While nobody watched, what people said of themselves is
    known all the same: logged out, or paused; that no call came to somebody available is not.
    """
    if wanted == Wanted.LOGGED_OUT and not (watched and activity != Activity.IDLE):
        return None
    if wanted == Wanted.PAUSED and activity == Activity.IDLE:
        return State.PAUSED
    if not watched:
        return State.UNOBSERVED
    return State.AVAILABLE if activity == Activity.IDLE else State(activity)


def tell_spans(
    changes: Iterable[Change], start: datetime, end: datetime, watched: Sequence[Period]
) -> Iterator[StateSpan]:
    """The agent's time at work from ``start`` until before ``end``, in order, without holes in the states.

    ``changes``: by sequence, with the last one before ``start``. Each holds until the next one in sequence; one with
    an earlier time than its predecessor (the clock was set back, a wrap-up was ended late) begins with it.
    ``watched``: in order, not overlapping.
    """
    before: Change | None = None
    began = start
    call_id: str | None = None
    for change in changes:
        at = max(began, min(change.at, end))
        yield from _spans_of(before, call_id, began, at, watched)
        before, began = change, at
        if change.activity != Activity.WRAP_UP:
            call_id = change.call_id
    yield from _spans_of(before, call_id, began, end, watched)


def _spans_of(
    change: Change | None, call_id: str | None, start: datetime, end: datetime, watched: Sequence[Period]
) -> Iterator[StateSpan]:
    if change is None:
        return
    for piece, is_watched in cut(Period(start, end), watched):
        state = state_of(change.wanted, change.activity, watched=is_watched)
        if state is not None:
            reason = change.pause_reason if state is State.PAUSED else None
            of_call = state in (State.RINGING, State.ON_CALL, State.WRAP_UP)
            yield StateSpan(piece.start, piece.end, state, reason, call_id if of_call else None)


def cut(period: Period, watched: Sequence[Period]) -> Iterator[tuple[Period, bool]]:
    """The period in pieces, none of them empty, each with whether it lies in one of ``watched``."""
    at = period.start
    for one in watched:
        if one.end <= at:
            continue
        if one.start >= period.end:
            break
        if one.start > at:
            yield Period(at, one.start), False
            at = one.start
        until = min(one.end, period.end)
        if at < until:
            yield Period(at, until), True
        at = until
    if at < period.end:
        yield Period(at, period.end), False


def sum_up(spans: Iterable[StateSpan]) -> Durations:
    """How long altogether."""
    totals = dict.fromkeys(State, timedelta())
    paused: dict[str | None, timedelta] = {}
    for span in spans:
        duration = span.end - span.start
        totals[span.state] += duration
        if span.state is State.PAUSED:
            paused[span.pause_reason] = paused.get(span.pause_reason, timedelta()) + duration
    return Durations(
        available=totals[State.AVAILABLE],
        ringing=totals[State.RINGING],
        on_call=totals[State.ON_CALL],
        wrap_up=totals[State.WRAP_UP],
        unobserved=totals[State.UNOBSERVED],
        paused=paused,
    )
