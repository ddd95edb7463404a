"""Each measure against rows made by hand: the values must be right, and those of the figures."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Activity, Agent, Seat, Wanted
from callcenter.calls.figures import get_figures
from callcenter.calls.models import Call, QueueVisit
from callcenter.core.db import Database
from callcenter.queues.models import WaitingCaller
from callcenter.supervision.alarm_measures import MEASURES, Asked, Measure, Reading, measure_people
from tests.support.people import given_agent, given_queue, given_reason, given_seats

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
BUSY, QUIET = "consultation", "vip"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


async def waits(session: AsyncSession, queue: str, *seconds: float, pbx: str = "pbx1") -> None:
    for number, one in enumerate(seconds):
        uniqueid = f"{pbx}-{queue}.{number}"
        session.add(WaitingCaller(uniqueid=uniqueid, queue_name=queue, pbx=pbx, priority=0, joined_at=ago(one)))
    await session.flush()


async def sits(
    session: AsyncSession,
    number: str,
    *queues: str,
    wanted: Wanted = Wanted.AVAILABLE,
    activity: Activity = Activity.IDLE,
    registered: bool = True,
    since_seconds: float = 0,
) -> Agent:
    seat = f"seat-{number}"
    await given_seats(session, seat)
    (await session.get_one(Seat, seat)).registered = registered
    agent = await given_agent(session, number, queues=queues)
    agent.wanted, agent.activity, agent.seat_name = wanted, activity, seat
    agent.wanted_since = agent.activity_since = ago(since_seconds)
    if wanted is Wanted.PAUSED:
        agent.pause_reason = "lunch"
    await session.flush()
    return agent


async def visits(session: AsyncSession, queue: str, *rows: tuple[str, float, float]) -> None:
    """(outcome, wait in seconds, entered so many seconds ago)"""
    await call(session)
    for number, (outcome, wait_seconds, entered) in enumerate(rows):
        session.add(
            QueueVisit(
                call_id="pbx1-1.1", uniqueid=f"{queue}-{number}", number=1, queue_name=queue, priority=0,
                outcome=outcome, entered_at=ago(entered), wait_seconds=wait_seconds,
            )
        )  # fmt: skip
    await session.flush()


async def call(session: AsyncSession) -> None:
    session.add(
        Call(
            id="pbx1-1.1", pbx="pbx1", direction="inbound", state="open", outcome="open",
            started_at=ago(7200), derived_at=NOW,
        )
    )  # fmt: skip
    await session.flush()


async def readings(session: AsyncSession, asked: Asked) -> Mapping[str, Reading]:
    return (await measure_people(session, [asked], NOW))[asked]


async def values(session: AsyncSession, measure: Measure, **options: int) -> dict[str, float | None]:
    return {subject: one.value for subject, one in (await readings(session, Asked(measure, **options))).items()}


@pytest.fixture
async def two_queues(database: Database) -> Database:
    async with database.transaction() as session:
        await given_queue(session, BUSY, service_level_seconds=20, short_abandon_seconds=5)
        await given_queue(session, QUIET, service_level_seconds=20, short_abandon_seconds=5)
        await given_queue(session, "closed", active=False)
        await given_reason(session, "lunch")
    return database


async def test_who_waits_now(two_queues: Database) -> None:
    async with two_queues.transaction() as session:
        await waits(session, BUSY, 12.5, 90, 3)
        await waits(session, BUSY, 30, pbx="pbx2")
        await waits(session, "closed", 500)
        assert await values(session, Measure.LONGEST_WAIT) == {BUSY: 90, QUIET: 0}
        assert await values(session, Measure.WAITING_CALLERS) == {BUSY: 4, QUIET: 0}
        assert await values(session, Measure.UNATTENDED_CALLERS) == {BUSY: 4, QUIET: 0}
        found = await readings(session, Asked(Measure.LONGEST_WAIT))
        assert found[BUSY].queues == {BUSY}


async def test_agents_count_when_available_at_a_telephone_that_is_there(two_queues: Database) -> None:
    async with two_queues.transaction() as session:
        await waits(session, BUSY, 10)
        await waits(session, QUIET, 10)
        await sits(session, "1001", BUSY, activity=Activity.ON_CALL)
        await sits(session, "1002", BUSY)
        await sits(session, "1003", BUSY, QUIET, wanted=Wanted.PAUSED)
        await sits(session, "1004", QUIET, registered=False)
        await given_agent(session, "1005", queues=(QUIET,))
        assert await values(session, Measure.AGENTS_AVAILABLE) == {BUSY: 2, QUIET: 0}
        assert await values(session, Measure.AGENTS_IDLE) == {BUSY: 1, QUIET: 0}
        assert await values(session, Measure.UNATTENDED_CALLERS) == {BUSY: 0, QUIET: 1}


async def test_service_level_and_abandon_rate(two_queues: Database) -> None:
    rows = (
        ("answered", 20, 60),
        ("answered", 20.1, 60),
        ("abandoned", 5, 60),  # short: counts nowhere
        ("abandoned", 5.1, 60),
        ("overflowed", 30, 60),
        ("open", 0, 60),
        ("answered", 1, 1801),  # before the window
    )
    async with two_queues.transaction() as session:
        await visits(session, BUSY, *rows)
        # five count: two answered, one in time; one abandoned
        assert await values(session, Measure.SERVICE_LEVEL) == {BUSY: 20, QUIET: None}
        assert await values(session, Measure.ABANDON_RATE) == {BUSY: 20, QUIET: None}
        assert await values(session, Measure.UNANSWERED_CALLS) == {BUSY: 2, QUIET: 0}
        wider = await values(session, Measure.SERVICE_LEVEL, window_minutes=60)
        assert wider[BUSY] == pytest.approx(100 * 2 / 6)
        assert (await values(session, Measure.SERVICE_LEVEL, minimum_calls=6))[BUSY] == 20
        assert (await values(session, Measure.SERVICE_LEVEL, minimum_calls=7))[BUSY] is None


async def test_a_rate_of_nothing_but_short_abandons_is_none(two_queues: Database) -> None:
    async with two_queues.transaction() as session:
        await visits(session, BUSY, ("abandoned", 2, 60))
        assert await values(session, Measure.SERVICE_LEVEL) == {BUSY: None, QUIET: None}
        assert await values(session, Measure.ABANDON_RATE) == {BUSY: None, QUIET: None}


async def test_the_rates_are_those_of_the_figures(two_queues: Database) -> None:
    chance = random.Random(20260105)  # noqa: S311 - a fixed series for a test
    outcomes = ["answered", "abandoned", "overflowed", "moved", "lost", "open"]
    rows = [
        (chance.choice(outcomes), chance.choice([5.0, 20.0, chance.uniform(0, 60)]), chance.uniform(1, 7200))
        for _ in range(300)
    ]
    async with two_queues.transaction() as session:
        await visits(session, BUSY, *rows)
        for minutes in (15, 30, 120):
            figures = await get_figures(
                session, BUSY, ago(60 * minutes), NOW, service_level_seconds=20, short_abandon_seconds=5
            )
            measured = await values(session, Measure.SERVICE_LEVEL, window_minutes=minutes)
            assert measured[BUSY] == pytest.approx(100 * (figures.service_level or 0))
            unanswered = await values(session, Measure.UNANSWERED_CALLS, window_minutes=minutes)
            assert unanswered[BUSY] == figures.abandoned - figures.short_abandoned + figures.overflowed


async def test_how_long_agents_have_been_at_it(two_queues: Database) -> None:
    async with two_queues.transaction() as session:
        await sits(session, "1001", BUSY, QUIET, wanted=Wanted.PAUSED, since_seconds=600)
        await sits(session, "1002", BUSY, activity=Activity.ON_CALL, since_seconds=300)
        await sits(session, "1003", activity=Activity.WRAP_UP, since_seconds=30)
        await given_agent(session, "1004", queues=(QUIET,))
        assert await values(session, Measure.AGENT_PAUSED) == {"1001": 600, "1002": 0, "1003": 0}
        assert await values(session, Measure.AGENT_ON_CALL) == {"1001": 0, "1002": 300, "1003": 0}
        assert await values(session, Measure.AGENT_WRAP_UP) == {"1001": 0, "1002": 0, "1003": 30}
        found = await readings(session, Asked(Measure.AGENT_PAUSED))
        assert {number: set(one.queues) for number, one in found.items()} == {
            "1001": {BUSY, QUIET},
            "1002": {BUSY},
            "1003": set(),
        }


async def test_all_are_measured_in_one_round_and_each_has_words(two_queues: Database) -> None:
    asked = [Asked(measure) for measure, about in MEASURES.items() if about.of in {"queue", "agent"}]
    async with two_queues.transaction() as session:
        assert (await measure_people(session, asked, NOW)).keys() == set(asked)
    assert MEASURES.keys() == set(Measure)
