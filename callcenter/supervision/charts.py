"""Figures for the console's charts: the day by quarters of an hour, and how long callers waited."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.supervision.quarter_hours import QUARTER, Counts, Quarters, count_visits

WEEK = timedelta(days=7)
BOUNDS_SECONDS = (10, 20, 30, 60, 120, 300, 600)
"""Between the classes of waiting times; the last class has no end."""

_WAITS = text("""
    SELECT width_bucket(wait_seconds, CAST(:bounds AS double precision[])) AS class,
        count(*) FILTER (WHERE outcome = 'answered') AS answered,
        count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned
    FROM queue_visits_by_month
    WHERE entered_at >= :start AND entered_at < :until AND outcome IN ('answered', 'abandoned')
      AND (CAST(:queues AS text[]) IS NULL OR queue_name = ANY(CAST(:queues AS text[])))
    GROUP BY 1
""")


@dataclass(frozen=True, slots=True)
class QuarterPoint:
    """A quarter of an hour of the day: today, and on the same weekday a week before."""

    at: datetime
    today: Counts
    week_before: Counts


@dataclass(frozen=True, slots=True)
class WaitClass:
    """Callers who waited from ``from_seconds`` until before ``to_seconds`` (None: no end)."""

    from_seconds: int
    to_seconds: int | None
    answered: int
    abandoned: int


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From midnight to midnight on the hospital's wall."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    return start, datetime(following.year, following.month, following.day, tzinfo=zone)


async def calls_by_quarter(
    session: AsyncSession, day: date, zone: ZoneInfo, *, queues: Collection[str] | None
) -> list[QuarterPoint]:
    """All quarters of ``day``, the empty ones too. ``queues`` None: all."""
    start, end = day_bounds(day, zone)
    start_before, end_before = day_bounds(day - WEEK, zone)
    today = _by_number(await count_visits(session, start, end, queues=queues), start)
    before = _by_number(await count_visits(session, start_before, end_before, queues=queues), start_before)
    quarters = (end.astimezone(UTC) - start.astimezone(UTC)) // QUARTER
    return [
        QuarterPoint(
            start.astimezone(UTC) + number * QUARTER, today.get(number, Counts()), before.get(number, Counts())
        )
        for number in range(quarters)
    ]


def _by_number(counts: Quarters, start: datetime) -> dict[int, Counts]:
    """Of all queues together, by the number of the quarter in the day."""
    found: dict[int, list[Counts]] = {}
    for (_, quarter), of_queue in counts.items():
        found.setdefault((quarter - start) // QUARTER, []).append(of_queue)
    return {number: Counts.total(of_quarter) for number, of_quarter in found.items()}


async def wait_classes(
    session: AsyncSession, day: date, zone: ZoneInfo, *, queues: Collection[str] | None
) -> list[WaitClass]:
    """How long those waited who came on ``day`` and were answered or gave up."""
    start, end = day_bounds(day, zone)
    values = {
        "bounds": [float(bound) for bound in BOUNDS_SECONDS],
        "start": start,
        "until": end,
        "queues": None if queues is None else sorted(queues),
    }
    found = {row[0]: (row[1], row[2]) for row in await session.execute(_WAITS, values)}
    edges: Sequence[int | None] = (0, *BOUNDS_SECONDS, None)
    return [
        WaitClass(edges[number] or 0, edges[number + 1], *found.get(number, (0, 0)))
        for number in range(len(BOUNDS_SECONDS) + 1)
    ]
