"""Whether a service is open at an instant, and when it opens next: pure rules.

First what is said of this very thing: a closure wins over a special day, that over what the staff say of the day,
that over the published list of holidays, and that over the weekday.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from uuid import UUID

from callcenter.calendar.spans import Spans

LOOK_AHEAD_DAYS = 60
"""How far ahead the next opening is looked for."""

DayKind = Literal["holiday", "workday", "ordinary"]
State = Literal["open", "outside_hours", "holiday", "special_day", "closure"]
_ClosedState = Literal["outside_hours", "holiday", "special_day"]

_SATURDAY = 6
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DayFact:
    """What is known of a day beyond its weekday. ``counts_as``: see HospitalDay."""

    kind: DayKind
    name_zh: str
    name_en: str
    counts_as: int | None = None


@dataclass(frozen=True, slots=True)
class OpenClosure:
    """A closure in effect. ``own``: of this schedule alone; ``until_at``: None for until somebody ends it."""

    id: UUID
    own: bool
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a service is open.

    ``next_open_at`` (UTC): None when it is open now, and when nobody can say (a closure until somebody ends it, or no
    opening within :data:`LOOK_AHEAD_DAYS`). ``closure_id``: of the closure whose announcement callers hear.
    """

    state: State
    next_open_at: datetime | None = None
    closure_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DayHours:
    """One day of one schedule; ``closed_state``: why it is closed outside ``spans``."""

    closed_state: _ClosedState
    spans: Spans


@dataclass(frozen=True, slots=True)
class Timetable:
    """All that decides over one schedule, without closures. ``week``: Monday first; ``fact_of``: see DayFact."""

    week: Sequence[Spans]
    public_holiday: Spans
    makeup_weekday: int
    zone: tzinfo
    special_days: Mapping[date, Spans] = field(default_factory=dict)
    fact_of: Callable[[date], DayFact | None] = lambda _day: None

    def hours_of(self, day: date) -> DayHours:
        """The hours of a local day."""
        if (special := self.special_days.get(day)) is not None:
            return DayHours("special_day", special)
        fact = self.fact_of(day)
        if fact is not None and fact.kind == "holiday":
            return DayHours("holiday", self.public_holiday)
        return DayHours("outside_hours", self.week[self._weekday(day, fact) - 1])

    def is_open(self, at: datetime) -> bool:
        """At an instant, closures left out."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(minute in span for span in self.hours_of(local.date()).spans)

    def _weekday(self, day: date, fact: DayFact | None) -> int:
        """Whose weekday's hours apply. A workday from Monday to Friday is itself, a make-up one counts as another."""
        if fact is None or fact.kind != "workday":
            return day.isoweekday()
        if fact.counts_as is not None:
            return fact.counts_as
        return self.makeup_weekday if day.isoweekday() >= _SATURDAY else day.isoweekday()


def opening_at(timetable: Timetable, closures: Sequence[OpenClosure], at: datetime) -> Opening:
    """Whether it is open at an instant; ``closures``: those in effect then."""
    if closures:
        closure = min(closures, key=lambda one: not one.own)  # its own announcement says more
        over_at = reopens_after(closures, at)
        return Opening("closure", next_open_at(timetable, over_at) if over_at else None, closure.id)
    if timetable.is_open(at):
        return Opening("open")
    today = timetable.hours_of(at.astimezone(timetable.zone).date())
    return Opening(today.closed_state, next_open_at(timetable, at))


def reopens_after(closures: Sequence[OpenClosure], at: datetime) -> datetime | None:
    """When the last of these closures is over, ``at`` if there is none; None: when somebody ends it."""
    over_at = at
    for closure in closures:
        if closure.until_at is None:
            return None
        over_at = max(over_at, closure.until_at)
    return over_at


def next_open_at(timetable: Timetable, after: datetime) -> datetime | None:
    """The first open instant from ``after`` on, in UTC; None if there is none within :data:`LOOK_AHEAD_DAYS`."""
    first = after.astimezone(timetable.zone).date()
    for number in range(LOOK_AHEAD_DAYS + 1):
        day = first + timedelta(days=number)
        starts = [at for at in _possible_starts(timetable, day, after) if at.astimezone(timetable.zone).date() <= day]
        found = [at for at in starts if at >= after and timetable.is_open(at)]
        if found:
            return min(found)
    return None


def _possible_starts(timetable: Timetable, day: date, after: datetime) -> Iterator[datetime]:
    """Instants at which an open time of this local day can begin; some of them are not of this day or not open.

    A clock that is put back shows a minute twice; one put forward leaves minutes out, so that it may be open
    from the change on.
    """
    yield after.astimezone(UTC)
    spans = timetable.hours_of(day).spans
    if not spans:
        return
    for span in spans:
        opens = time(*divmod(span.opens_minute, 60))
        for fold in (0, 1):
            yield datetime.combine(day, opens.replace(fold=fold), timetable.zone).astimezone(UTC)
    change_at = _clock_change(day, timetable.zone)
    if change_at is not None:
        yield change_at


def _clock_change(day: date, zone: tzinfo) -> datetime | None:
    """When the clock is put forward or back on this local day (or within an hour of it); None on all other days."""
    start = datetime.combine(day, time(), zone).astimezone(UTC) - timedelta(hours=1)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC) + timedelta(hours=1)
    before = start.astimezone(zone).utcoffset()
    if before == end.astimezone(zone).utcoffset():
        return None
    low, high = 0, (end - start) // _MINUTE  # the clock changed after minute ``low``, and at ``high`` at the latest
    while high - low > 1:
        middle = (low + high) // 2
        if (start + middle * _MINUTE).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return start + high * _MINUTE
