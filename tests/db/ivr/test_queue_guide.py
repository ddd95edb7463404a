"""Where a caller waits: hours, overflow chain, the last agent, an agent complained of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from callcenter.agents import service as agents
from callcenter.agents.models import Activity, Agent
from callcenter.calendar.models import Schedule
from callcenter.calendar.public_days import Place
from callcenter.calls.models import Call, Leg
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.ivr.hours import RecentOpenings
from callcenter.ivr.queue_guide import DatabaseQueueGuide, QueueClosed, QueueGuide, QueuePlan, Waiter
from callcenter.queues import service as queues
from callcenter.queues.models import Queue
from tests.support.people import BY_AGENT, PBX, given_agent, given_queue, given_seats

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Beijing
NUMBER, PATIENT = "+8613800000001", UUID(int=1)
STRANGER = Waiter(None, None)
KNOWN = Waiter(NUMBER, None)


def new_guide(database: Database) -> DatabaseQueueGuide:
    return DatabaseQueueGuide(database, RecentOpenings(database, Place.of(Settings()), lambda: NOW), lambda: NOW)


class LaterCalls:
    """Each question is of a call that begins later, when no answer is recent any more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plan(self, queue: str, waiter: Waiter) -> QueuePlan | QueueClosed | None:
        return await new_guide(self._database).plan(queue, waiter)

    async def plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        return await new_guide(self._database).plan_overflow(left, waiter)


@pytest.fixture
def guide(database: Database) -> QueueGuide:
    return LaterCalls(database)


@pytest.fixture(autouse=True)
async def hotline(database: Database) -> None:
    """vip > consultation > night; 1001 and 1002 sit in consultation and complaint, available and idle."""
    async with database.transaction() as session:
        session.add(Schedule(name="never", label_zh="从不", label_en="Never", makeup_weekday=1))
        await session.flush()
        await given_queue(session, "night", max_wait_seconds=30)
        await given_queue(session, "consultation", overflow_to="night", max_wait_seconds=60, last_agent_first=True)
        await given_queue(session, "vip", overflow_to="consultation", max_wait_seconds=90)
        await given_queue(session, "complaint", excludes_complained_agent=True, overflow_to="consultation")
        await given_seats(session, "seat-rose", "seat-lotus")
        for number, seat in (("1001", "seat-rose"), ("1002", "seat-lotus")):
            agent = await given_agent(session, number, queues=["consultation", "complaint"])
            await queues.log_in(session, agent, seat, pbx=PBX, **BY_AGENT)
            await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)


async def change(database: Database, name: str, **values: object) -> None:
    async with database.transaction() as session:
        queue = await session.get_one(Queue, name)
        for field, value in values.items():
            setattr(queue, field, value)


async def given_call(
    database: Database, number: str, *, days_ago: float, caller: str | None = NUMBER, patient: UUID | None = None
) -> None:
    """This agent talked with the caller."""
    at = NOW - timedelta(days=days_ago)
    call_id = f"pbx1-{int(at.timestamp())}.{number}"
    async with database.transaction() as session:
        session.add(
            Call(
                id=call_id,
                pbx=PBX,
                direction="inbound",
                caller_number=caller,
                patient_id=patient,
                agent_number=number,
                state="finished",
                outcome="answered",
                started_at=at,
                ended_at=at,
                derived_at=at,
            )
        )
        await session.flush()
        session.add(
            Leg(
                uniqueid=f"{call_id}9",
                call_id=call_id,
                channel="PJSIP/seat-rose-00000001",
                role="agent",
                agent_number=number,
                started_at=at,
                answered_at=at,
            )
        )


async def test_the_queue_itself(guide: QueueGuide) -> None:
    assert await guide.plan("vip", STRANGER) == QueuePlan("vip", 90)
    assert await guide.plan("nowhere", STRANGER) is None


async def test_the_chain_goes_past_what_takes_nobody(guide: QueueGuide, database: Database) -> None:
    assert await guide.plan_overflow("vip", STRANGER) == QueuePlan("consultation", 60)
    await change(database, "consultation", active=False)
    assert await guide.plan_overflow("vip", STRANGER) == QueuePlan("night", 30)
    await change(database, "consultation", active=True, schedule_name="never")
    assert await guide.plan_overflow("vip", STRANGER) == QueuePlan("night", 30)
    await change(database, "night", active=False)
    assert await guide.plan_overflow("vip", STRANGER) is None
    assert await guide.plan_overflow("night", STRANGER) is None
    assert await guide.plan_overflow("nowhere", STRANGER) is None


async def test_a_closed_queue_says_so_and_a_switched_off_one_is_passed(guide: QueueGuide, database: Database) -> None:
    await change(database, "vip", schedule_name="never")
    closed = await guide.plan("vip", STRANGER)
    assert isinstance(closed, QueueClosed)
    assert closed.opening.state == "outside_hours"
    await change(database, "vip", active=False)
    assert await guide.plan("vip", STRANGER) == QueuePlan("consultation", 60)


async def test_who_talked_with_the_caller_last_is_tried_first(guide: QueueGuide, database: Database) -> None:
    plain = QueuePlan("consultation", 60)
    assert await guide.plan("consultation", KNOWN) == plain
    await given_call(database, "1001", days_ago=2)
    await given_call(database, "1002", days_ago=1, caller="+8613800000099", patient=PATIENT)
    assert await guide.plan("consultation", KNOWN) == replace(plain, own_queue="own-1001", own_seconds=8)
    verified = replace(KNOWN, patient_id=PATIENT)
    assert await guide.plan("consultation", verified) == replace(plain, own_queue="own-1002", own_seconds=8)
    assert await guide.plan("consultation", STRANGER) == plain
    assert await guide.plan("complaint", KNOWN) == QueuePlan("complaint", 600)
    assert await guide.plan("consultation", replace(KNOWN, against="1002")) is not None
    await change(database, "consultation", last_agent_days=1)
    assert await guide.plan("consultation", KNOWN) == plain


@pytest.mark.parametrize("hindrance", ["paused", "logged_out", "on_call", "no_member"])
async def test_a_last_agent_who_is_not_free_is_not_tried(guide: QueueGuide, database: Database, hindrance: str) -> None:
    await given_call(database, "1001", days_ago=2)
    async with database.transaction() as session:
        agent: Agent = await agents.get_agent(session, "1001", lock=True)
        match hindrance:
            case "paused":
                agent.wanted = "paused"
            case "logged_out":
                await queues.log_out(session, agent, pbx=PBX, **BY_AGENT)
            case "on_call":
                await agents.record_activity(session, agent, Activity.ON_CALL, call_id="pbx1-1.1")
            case _:
                await queues.remove_membership(session, agent, "consultation", pbx=PBX, cause="test")
    assert await guide.plan("consultation", KNOWN) == QueuePlan("consultation", 60)


async def test_an_agent_complained_of_is_not_offered_the_call(guide: QueueGuide) -> None:
    against = Waiter(NUMBER, None, against="1001")
    assert await guide.plan("complaint", against) == QueuePlan("complaint", 600, app_queue="complaint--not-1001")
    assert await guide.plan_overflow("complaint", against) == QueuePlan("night", 30), "consultation would offer it"
    assert await guide.plan("complaint", Waiter(NUMBER, None, against="1009")) == QueuePlan("complaint", 600)


async def test_without_the_database_the_caller_waits_where_the_flow_said() -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    away = new_guide(nowhere)
    assert await away.plan("vip", KNOWN) == QueuePlan("vip", 600)
    assert await away.plan_overflow("vip", KNOWN) is None


async def test_the_last_call_is_found_by_index(database: Database) -> None:
    """Also among very many calls: nothing is read but the caller's own."""
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        for column in ("caller_number = '+861'", "patient_id = '00000000-0000-0000-0000-000000000001'"):
            where = f"{column} AND started_at >= now() ORDER BY started_at"
            lines = await session.scalars(text(f"EXPLAIN SELECT id FROM calls_by_month WHERE {where}"))  # noqa: S608
            plan = "\n".join(lines)
            assert f"{column.split()[0]}_started_at" in plan, plan
