"""SQL counts what Python counts."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.calls.errors import InvalidPeriod
from callcenter.calls.figures import QueueFigures, VisitFigures, get_figures, summarise
from callcenter.calls.models import Call, QueueVisit
from callcenter.core.db import Database
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import SCENARIOS, T0, Ledger, scenario

LIMITS = {"service_level_seconds": 20, "short_abandon_seconds": 5}


async def figures(database: Database, queue: str, start: datetime, end: datetime) -> QueueFigures:
    async with database.transaction() as session:
        return await get_figures(session, queue, start, end, **LIMITS)


async def test_random_visits(database: Database) -> None:
    chance = random.Random(20260105)  # noqa: S311 - a fixed series for a test
    visits = []
    for number in range(400):
        entered_at = T0 + timedelta(seconds=chance.randrange(86_400))
        visits.append(
            QueueVisit(
                call_id="pbx1-1.1",
                uniqueid="pbx1-1.1",
                number=number,
                queue_name=chance.choice(["consultation", "vip"]),
                priority=0,
                outcome=chance.choice(["answered", "abandoned", "overflowed", "moved", "lost", "open"]),
                entered_at=entered_at,
                wait_seconds=chance.choice([5.0, 20.0, chance.randrange(60_000_000) / 1e6]),
                talk_seconds=chance.randrange(600_000_000) / 1e6,
            )
        )
    async with database.transaction() as session:
        session.add(
            Call(
                id="pbx1-1.1", pbx="pbx1", direction="inbound", state="open", outcome="open",
                started_at=T0, derived_at=T0,
            )
        )  # fmt: skip
        await session.flush()
        session.add_all(visits)
    for queue in ("consultation", "vip", "none"):
        for hours in ((0, 24), (3, 4), (23, 48)):
            start, end = (T0 + timedelta(hours=hour) for hour in hours)
            inside = [
                VisitFigures(visit.outcome, visit.wait_seconds, visit.talk_seconds)
                for visit in visits
                if visit.queue_name == queue and start <= visit.entered_at < end
            ]
            counted = await figures(database, queue, start, end)
            assert counted == summarise(inside, **LIMITS)
            assert counted.offered == len(inside)


async def test_recorded_calls(tmp_path: Path, database: Database) -> None:
    story = Ledger([], [])
    for number, file in enumerate(sorted(SCENARIOS.glob("*.txt")), start=1):
        story += scenario(file.stem, series=number, start=number)
    folder = LedgerFolder(tmp_path)
    folder.append(story)
    await read_all(folder, database)
    async with database.transaction() as session:
        queues = set(await session.scalars(select(QueueVisit.queue_name)))
    for queue in queues:
        counted = await figures(database, queue, T0, T0 + timedelta(days=1))
        outcomes = (counted.answered, counted.abandoned, counted.overflowed, counted.moved, counted.lost, counted.open)
        assert counted.offered == sum(outcomes) > 0
    consultation = await figures(database, "consultation", T0, T0 + timedelta(days=1))
    assert (consultation.offered, consultation.answered, consultation.abandoned) == (10, 7, 2)


async def test_a_period_needs_an_end_after_its_start(database: Database) -> None:
    with pytest.raises(InvalidPeriod):
        await figures(database, "consultation", T0, T0)
