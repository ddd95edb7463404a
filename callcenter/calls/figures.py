"""Figures of a queue in a period: counted in SQL, and by the same definitions in Python (:func:`summarise`).

A visit belongs to the period in which it was entered. For every queue and period holds exactly:
offered = answered + abandoned + overflowed + moved + lost + open (docs/glossary.md, "queue visit").
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.errors import InvalidPeriod
from callcenter.calls.models import QueueVisit

_MICROSECONDS = 1_000_000
_rating = func.coalesce(QueueVisit.rating, 0)


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """Of one visit, what counts. ``outcome`` as in :class:`callcenter.calls.models.QueueVisit`."""

    outcome: str
    wait_seconds: float
    talk_seconds: float
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """``short_abandoned`` are among ``abandoned``, ``answered_in_time`` among ``answered``.

    Sums are whole microseconds, so that they add up over any split of the period. Waits: of visits that have ended.
    """

    offered: int
    answered: int
    abandoned: int
    overflowed: int
    moved: int
    lost: int
    open: int
    short_abandoned: int
    answered_in_time: int
    wait_microseconds: int
    longest_wait_microseconds: int
    talk_microseconds: int
    rated: int
    rating_sum: int

    @property
    def service_level(self) -> float | None:
        """Answered within N seconds / (offered - abandoned within the short-abandon limit); None if that is 0."""
        counted = self.offered - self.short_abandoned
        return self.answered_in_time / counted if counted else None

    @property
    def average_wait_seconds(self) -> float | None:
        ended = self.offered - self.open
        return self.wait_microseconds / ended / _MICROSECONDS if ended else None

    @property
    def longest_wait_seconds(self) -> float:
        return self.longest_wait_microseconds / _MICROSECONDS

    @property
    def average_rating(self) -> float | None:
        return self.rating_sum / self.rated if self.rated else None

    @property
    def average_talk_seconds(self) -> float | None:
        return self.talk_microseconds / self.answered / _MICROSECONDS if self.answered else None


def summarise(
    visits: Iterable[VisitFigures], *, service_level_seconds: int, short_abandon_seconds: int
) -> QueueFigures:
    """The figures of these visits; pure."""
    outcomes: Counter[str] = Counter()
    short_abandoned = answered_in_time = waited = longest = talked = rated = rating_sum = 0
    for visit in visits:
        outcomes[visit.outcome] += 1
        short_abandoned += visit.outcome == "abandoned" and visit.wait_seconds <= short_abandon_seconds
        answered_in_time += visit.outcome == "answered" and visit.wait_seconds <= service_level_seconds
        if visit.outcome != "open":
            wait = round(visit.wait_seconds * _MICROSECONDS)
            waited += wait
            longest = max(longest, wait)
        if visit.outcome == "answered":
            talked += round(visit.talk_seconds * _MICROSECONDS)
        if visit.rating is not None:
            rated += 1
            rating_sum += visit.rating
    return QueueFigures(
        offered=outcomes.total(),
        answered=outcomes["answered"],
        abandoned=outcomes["abandoned"],
        overflowed=outcomes["overflowed"],
        moved=outcomes["moved"],
        lost=outcomes["lost"],
        open=outcomes["open"],
        short_abandoned=short_abandoned,
        answered_in_time=answered_in_time,
        wait_microseconds=waited,
        longest_wait_microseconds=longest,
        talk_microseconds=talked,
        rated=rated,
        rating_sum=rating_sum,
    )


async def get_figures(
    session: AsyncSession,
    queue_name: str,
    start: datetime,
    end: datetime,
    *,
    service_level_seconds: int,
    short_abandon_seconds: int,
) -> QueueFigures:
    """The figures of the visits that entered ``queue_name`` from ``start`` until before ``end``.

    Raises InvalidPeriod.
    """
    if end <= start:
        raise InvalidPeriod
    wait = cast(func.round(QueueVisit.wait_seconds * _MICROSECONDS), BigInteger)
    talk = cast(func.round(QueueVisit.talk_seconds * _MICROSECONDS), BigInteger)
    ended = QueueVisit.outcome != "open"
    answered = QueueVisit.outcome == "answered"
    short = and_(QueueVisit.outcome == "abandoned", QueueVisit.wait_seconds <= short_abandon_seconds)
    in_time = and_(answered, QueueVisit.wait_seconds <= service_level_seconds)
    row = (
        await session.execute(
            select(
                func.count().label("offered"),
                *(
                    func.count().filter(QueueVisit.outcome == outcome).label(outcome)
                    for outcome in ("answered", "abandoned", "overflowed", "moved", "lost", "open")
                ),
                func.count().filter(short).label("short_abandoned"),
                func.count().filter(in_time).label("answered_in_time"),
                _whole(func.sum(wait).filter(ended)).label("wait_microseconds"),
                _whole(func.max(wait).filter(ended)).label("longest_wait_microseconds"),
                _whole(func.sum(talk).filter(answered)).label("talk_microseconds"),
                func.count(QueueVisit.rating).label("rated"),
                _whole(func.sum(_rating)).label("rating_sum"),
            ).where(QueueVisit.queue_name == queue_name, QueueVisit.entered_at >= start, QueueVisit.entered_at < end)
        )
    ).one()
    return QueueFigures(**row._mapping)


@dataclass(frozen=True, slots=True)
class RatingFigures:
    """Marks that callers gave an agent in a queue; their sums over the agents are the queue's ``rated``
    and ``rating_sum``. ``agent_number`` None: it is not known who answered."""

    queue_name: str
    agent_number: str | None
    rated: int
    rating_sum: int

    @property
    def average_rating(self) -> float:
        return self.rating_sum / self.rated


async def get_ratings(
    session: AsyncSession, start: datetime, end: datetime, *, queues: Collection[str] | None, agent: str | None
) -> list[RatingFigures]:
    """By queue and agent, over the visits that entered from ``start`` until before ``end``; ``queues`` None: all.

    Raises InvalidPeriod.
    """
    if end <= start:
        raise InvalidPeriod
    query = (
        select(
            QueueVisit.queue_name,
            QueueVisit.agent_number,
            func.count(QueueVisit.rating),
            _whole(func.sum(_rating)),
        )
        .where(QueueVisit.entered_at >= start, QueueVisit.entered_at < end, QueueVisit.rating.is_not(None))
        .group_by(QueueVisit.queue_name, QueueVisit.agent_number)
        .order_by(QueueVisit.queue_name, QueueVisit.agent_number)
    )
    if queues is not None:
        query = query.where(QueueVisit.queue_name.in_(queues))
    if agent is not None:
        query = query.where(QueueVisit.agent_number == agent)
    return [RatingFigures(*row) for row in await session.execute(query)]


def _whole(value: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(value, 0), BigInteger)
