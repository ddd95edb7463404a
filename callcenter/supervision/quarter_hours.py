"""Figures of queue visits by quarters of an hour: counted in SQL, and what is old is not counted again each time.

The definitions are those of calls/figures.py. A visit that is entered stays in its quarter; it may still end later, so
quarters that are over are counted again every few minutes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

QUARTER = timedelta(minutes=15)
RECENT = timedelta(minutes=30)
RECOUNT = timedelta(minutes=3)
"""So old may be what is shown of quarters that are over."""

# by index ix_queue_visits_by_month_queue_name_entered_at
_COUNT = text("""
    SELECT v.queue_name, date_bin('15 minutes', v.entered_at, CAST(:origin AS timestamptz)) AS quarter,
        count(*) AS offered,
        count(*) FILTER (WHERE v.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE v.outcome = 'abandoned') AS abandoned,
        count(*) FILTER (WHERE v.outcome = 'abandoned' AND v.wait_seconds <= q.short_abandon_seconds)
            AS short_abandoned,
        count(*) FILTER (WHERE v.outcome = 'answered' AND v.wait_seconds <= q.service_level_seconds)
            AS answered_in_time,
        coalesce(sum(v.talk_seconds) FILTER (WHERE v.outcome = 'answered' AND v.reason IS NOT NULL), 0)
            AS talk_seconds,
        count(*) FILTER (WHERE v.outcome = 'answered' AND v.reason IS NOT NULL) AS talks
    FROM queues AS q JOIN queue_visits_by_month AS v ON v.queue_name = q.name
    WHERE v.entered_at >= :start AND v.entered_at < :until
      AND (CAST(:queues AS text[]) IS NULL OR q.name = ANY(CAST(:queues AS text[])))
    GROUP BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the visits that entered in a span. ``talk_seconds``: of ``talks``, the conversations that are over."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    answered_in_time: int = 0
    talk_seconds: float = 0.0
    talks: int = 0

    @property
    def service_level(self) -> float | None:
        """As calls.figures.QueueFigures has it."""
        counted = self.offered - self.short_abandoned
        return self.answered_in_time / counted if counted else None

    @property
    def mean_talk_seconds(self) -> float | None:
        return self.talk_seconds / self.talks if self.talks else None

    @staticmethod
    def total(counts: Iterable["Counts"]) -> "Counts":
        rows = list(counts)
        return Counts(**{name: sum(getattr(row, name) for row in rows) for name in _FIELDS})


_FIELDS = tuple(one.name for one in fields(Counts))
Quarters = Mapping[tuple[str, datetime], Counts]
"""By queue and beginning of the quarter."""


async def count_visits(
    session: AsyncSession, start: datetime, until: datetime, *, queues: Collection[str] | None = None
) -> dict[tuple[str, datetime], Counts]:
    """The visits that entered from ``start``, on which the quarters are laid, until before ``until``."""
    values = {
        "origin": start,
        "start": start,
        "until": until,
        "queues": None if queues is None else sorted(queues),
    }
    rows = await session.execute(_COUNT, values)
    return {(row.queue_name, row.quarter): Counts(**{name: getattr(row, name) for name in _FIELDS}) for row in rows}


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Of one queue."""

    today: Counts
    recent: Counts
    """The last 30 minutes."""


class TodayFigures:
    """Keeps the quarters of today between two countings."""

    def __init__(self) -> None:
        self._day: datetime | None = None
        self._old: dict[tuple[str, datetime], Counts] = {}
        self._old_until: datetime | None = None
        self._counted_at: datetime | None = None

    async def read(self, session: AsyncSession, day: datetime, at: datetime) -> dict[str, DayFigures]:
        """Figures by queue at the instant ``at``; ``day``: when the hospital's today began."""
        recent_since = at - RECENT
        edge = max(day, day + (recent_since - day) // QUARTER * QUARTER)
        if self._is_stale(day, at):
            self._old = await count_visits(session, day, edge) if edge > day else {}
            self._day, self._old_until, self._counted_at = day, edge, at
        since = self._old_until or day
        new = await count_visits(session, since, at + QUARTER)
        recent = await count_visits(session, recent_since, at + QUARTER)
        queues = {queue for queue, _ in (*self._old, *new, *recent)}
        return {
            queue: DayFigures(
                Counts.total(counts for (name, _), counts in (*self._old.items(), *new.items()) if name == queue),
                Counts.total(counts for (name, _), counts in recent.items() if name == queue),
            )
            for queue in queues
        }

    def _is_stale(self, day: datetime, at: datetime) -> bool:
        return self._day != day or self._counted_at is None or not timedelta() <= at - self._counted_at < RECOUNT
