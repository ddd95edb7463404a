"""Workload: what each agent did in each interval, from the agents' own history and from the ledger.

The durations of the states of an agent and interval add up to the logged-in time to the microsecond: talking and on
hold are the parts of the history's ``on_call``, told apart by what the ledger says of music on hold.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.durations import Period, State, cut
from callcenter.agents.watch_spans import list_watched
from callcenter.core.db import Database
from callcenter.reports import queries
from callcenter.reports.errors import InvalidReportPeriod, TooManyIntervals
from callcenter.reports.intervals import Interval, borders
from callcenter.reports.queries import Cells, Person

MOST_INTERVALS = 3_000
"""A month of quarter hours, on whose last Sunday the clocks were changed."""
FIRST_YEAR, LAST_YEAR = 2000, 2200
"""There is nothing beyond, and calendars end somewhere."""
_CELLS_AT_ONCE = 50_000
"""Of agents and intervals, in one transaction of an export: a few megabytes."""

_NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked: these people, in these intervals (``borders``: one more than there are intervals).

    ``queues``: whose names may be told, None: all; what is of others stands with what is of no queue.
    """

    people: Sequence[Person]
    borders: Sequence[datetime]
    by_agent: bool
    by_queue: bool
    queues: frozenset[str] | None
    pbx: str


@dataclass(slots=True)
class Sums:
    """``paused``: by reason, None where the agent was not yet available after the log-in.

    offered = answered + missed + withdrawn + still ringing.
    """

    available: timedelta = _NOTHING
    ringing: timedelta = _NOTHING
    on_call: timedelta = _NOTHING
    hold: timedelta = _NOTHING
    wrap_up: timedelta = _NOTHING
    unobserved: timedelta = _NOTHING
    paused: dict[str | None, timedelta] = field(default_factory=dict)
    offered: int = 0
    answered: int = 0
    missed: int = 0
    withdrawn: int = 0
    transferred: int = 0
    rated: int = 0
    rating_sum: int = 0
    work_orders_taken: int = 0
    work_orders_closed: int = 0

    def add(self, state: str, reason: str | None, lasted: timedelta) -> None:
        if state == State.PAUSED:
            self.paused[reason] = self.paused.get(reason, _NOTHING) + lasted
        else:
            setattr(self, state, getattr(self, state) + lasted)

    @property
    def logged_in(self) -> timedelta:
        states = (self.available, self.ringing, self.on_call, self.wrap_up, self.unobserved, *self.paused.values())
        return sum(states, _NOTHING)

    @property
    def talk(self) -> timedelta:
        return self.on_call - self.hold

    @property
    def average_rating(self) -> float | None:
        return self.rating_sum / self.rated if self.rated else None


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """``interval``: its number in the period. ``person`` and ``queue_name``: None where it is not grouped by them;
    ``queue_name`` also for what is of no queue: being available, paused, on a call of one's own."""

    interval: int
    start: datetime
    end: datetime
    person: Person | None
    queue_name: str | None
    sums: Sums


def cut_period(start: datetime, end: datetime, interval: Interval, zone: ZoneInfo) -> list[datetime]:
    """The borders of the intervals. Raises InvalidReportPeriod, TooManyIntervals."""
    if end <= start or start.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise InvalidReportPeriod
    found = []
    for border in borders(start, end, interval, zone):
        found.append(border)
        if len(found) > MOST_INTERVALS + 1:
            raise TooManyIntervals(most=MOST_INTERVALS)
    return found


async def list_rows(
    session: AsyncSession, wanted: Workload, first: int, beyond: int, *, at: datetime
) -> list[WorkloadRow]:
    """Of the intervals from the ``first`` to before ``beyond``, by interval, agent and queue; none without anything.

    What is later than ``at``, the present, is not counted.
    """
    people = wanted.people
    limits = [min(border, at) for border in wanted.borders[first : beyond + 1]]
    if not people or limits[0] >= limits[-1]:
        return []
    cells = lay_cells(limits, await list_watched(session, wanted.pbx, limits[0], limits[-1], at=at))
    table = _Table(wanted)
    by_id = {person.agent_id: person for person in people}
    for row in await queries.list_states(session, people, cells, by_queue=wanted.by_queue):
        sums = table.of(by_id[row.agent_id], row.bucket, row.queue_name)
        sums.add(row.state, row.reason, row.lasted)
    by_number = {person.number: person for person in people}
    for row in await queries.list_holds(session, people, cells):
        table.of(by_number[row.agent_number], row.bucket, row.queue_name).hold += row.lasted
    table.bound_holds()
    for row in await queries.list_calls(session, people, cells):
        sums = table.of(by_number[row.agent_number], row.bucket, row.queue_name)
        sums.offered += row.offered
        sums.answered += row.answered
        sums.missed += row.missed
        sums.withdrawn += row.withdrawn
        sums.transferred += row.transferred
    for row in await queries.list_ratings(session, people, cells):
        sums = table.of(by_number[row.agent_number], row.bucket, row.queue_name)
        sums.rated += row.rated
        sums.rating_sum += row.rating_sum
    by_username = {person.username: person for person in people}
    for row in await queries.list_work_orders(session, people, cells):
        sums = table.of(by_username[row.username], row.bucket, row.queue_name)
        sums.work_orders_taken += row.taken
        sums.work_orders_closed += row.closed
    return table.rows(first)


async def iterate_rows(database: Database, wanted: Workload, *, at: datetime) -> AsyncIterator[list[WorkloadRow]]:
    """All rows, some intervals at a time, each in a transaction of its own: memory stays flat."""
    step = max(1, _CELLS_AT_ONCE // max(1, len(wanted.people)))
    last = len(wanted.borders) - 1
    for first in range(0, last, step):
        async with database.transaction() as session:
            rows = await list_rows(session, wanted, first, min(first + step, last), at=at)
        yield rows


async def list_page(
    session: AsyncSession, wanted: Workload, *, after: tuple[int, str, str] | None, limit: int, at: datetime
) -> list[WorkloadRow]:
    """At most ``limit + 1`` rows behind ``after`` (:func:`key_of`); only as many intervals are counted as it takes."""
    first, last = max(after[0], 0) if after else 0, len(wanted.borders) - 1
    step = max(1, limit // max(1, len(wanted.people)))
    rows: list[WorkloadRow] = []
    while len(rows) <= limit and first < last:
        beyond = min(first + step, last)
        found = await list_rows(session, wanted, first, beyond, at=at)
        rows += [row for row in found if after is None or key_of(row) > after]
        first, step = beyond, step * 4
    return rows[: limit + 1]


def key_of(row: WorkloadRow) -> tuple[int, str, str]:
    """The sort key."""
    return row.interval, row.person.number if row.person else "", row.queue_name or ""


def lay_cells(limits: Sequence[datetime], watched: Sequence[Period]) -> Cells:
    """The intervals between ``limits``, cut where watching began or ended; empty ones are left out."""
    found, buckets, flags = [limits[0]], [], []
    for bucket, (start, end) in enumerate(pairwise(limits)):
        for piece, is_watched in cut(Period(start, end), watched):
            found.append(piece.end)
            buckets.append(bucket)
            flags.append(is_watched)
    return Cells(found, buckets, flags)


class _Table:
    """Sums by interval, agent and queue. Each agent's holds are bounded by their calls before agents are added up."""

    def __init__(self, wanted: Workload) -> None:
        self._wanted = wanted
        self._sums: dict[tuple[int, str, str], Sums] = {}

    def of(self, person: Person, bucket: int, queue_name: str | None) -> Sums:
        wanted = self._wanted
        named = wanted.by_queue and queue_name and (wanted.queues is None or queue_name in wanted.queues)
        key = (bucket, person.number, queue_name if named and queue_name else "")
        return self._sums.setdefault(key, Sums())

    def bound_holds(self) -> None:
        """The history's and the ledger's clocks differ by milliseconds: no hold is longer than the calls it was in."""
        for sums in self._sums.values():
            sums.hold = min(sums.hold, sums.on_call)

    def rows(self, first: int) -> list[WorkloadRow]:
        wanted = self._wanted
        people = {person.number: person for person in wanted.people}
        merged: dict[tuple[int, str, str], Sums] = {}
        for (bucket, number, queue_name), sums in self._sums.items():
            key = (bucket, number if wanted.by_agent else "", queue_name)
            merged[key] = _added(merged[key], sums) if key in merged else sums
        return [
            WorkloadRow(
                interval=first + bucket,
                start=wanted.borders[first + bucket],
                end=wanted.borders[first + bucket + 1],
                person=people.get(number),
                queue_name=queue_name or None,
                sums=sums,
            )
            for (bucket, number, queue_name), sums in sorted(merged.items(), key=lambda item: item[0])
            if sums != _EMPTY
        ]


_COUNTS = (
    "available",
    "ringing",
    "on_call",
    "hold",
    "wrap_up",
    "unobserved",
    "offered",
    "answered",
    "missed",
    "withdrawn",
    "transferred",
    "rated",
    "rating_sum",
    "work_orders_taken",
    "work_orders_closed",
)
_EMPTY = Sums()


def _added(one: Sums, other: Sums) -> Sums:
    reasons: Iterable[str | None] = {*one.paused, *other.paused}
    paused = {reason: one.paused.get(reason, _NOTHING) + other.paused.get(reason, _NOTHING) for reason in reasons}
    return Sums(paused=paused, **{name: getattr(one, name) + getattr(other, name) for name in _COUNTS})
