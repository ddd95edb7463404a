"""How many people are called for agents: those who are free, each once, and never while somebody waits for them."""

from uuid import UUID

import pytest
from sqlalchemy import update

from callcenter.agents.models import Activity, Agent, Wanted
from callcenter.campaigns.agent_pacing import Experience
from callcenter.campaigns.agent_queries import read_experience
from callcenter.campaigns.called_by_agents import find_called
from callcenter.campaigns.crews import REMEMBERED, Crews
from callcenter.campaigns.models import CampaignAttempt
from callcenter.campaigns.rules import Pacing
from callcenter.core.db import Database
from callcenter.queues.models import QueueMembership, WaitingCaller
from tests.support.campaigns import AT, LINE, add, attempts, given_campaign, given_patient, number_of, person, place
from tests.support.people import PBX, given_agent, given_queue, given_seats

CALLS_OUT, CONSULTATION = "calls-out", "consultation"
PROGRESSIVE = {"mode": "progressive", "queue": CALLS_OUT, "calls_per_second": 100, "max_channels": 100}


@pytest.fixture(autouse=True)
async def agents(database: Database) -> None:
    """Three who are free: all make calls out, 1003 also takes calls."""
    async with database.transaction() as session:
        await given_queue(session, CALLS_OUT)
        for number in ("1001", "1002", "1003"):
            seat = f"seat-{number[-1]}"
            await given_seats(session, seat)
            agent = await given_agent(session, number)
            agent.wanted, agent.activity, agent.seat_name = Wanted.AVAILABLE, Activity.IDLE, seat
            session.add(QueueMembership(queue_name=CALLS_OUT, agent_id=agent.id))
            if number == "1003":
                session.add(QueueMembership(queue_name=CONSULTATION, agent_id=agent.id))


async def are(database: Database, number: str, **values: object) -> None:
    async with database.transaction() as session:
        await session.execute(update(Agent).where(Agent.number == number).values(**values))


async def room(database: Database, campaign: UUID, crews: Crews | None = None, **pacing: object) -> int:
    crews = crews or Crews()
    async with database.transaction() as session:
        return await crews.room(session, campaign, Pacing.model_validate({**PROGRESSIVE, **pacing}), AT)


async def test_one_call_for_each_free_agent(database: Database) -> None:
    campaign = await given_campaign(database, pacing=PROGRESSIVE)
    await add(database, campaign, *(person(index) for index in range(1, 9)))
    assert await room(database, campaign) == 3
    assert await place(database, campaign, limit=2) == 2
    assert await room(database, campaign) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"wanted": Wanted.PAUSED},
        {"activity": Activity.ON_CALL},
        {"activity": Activity.WRAP_UP},
        {"activity": Activity.RINGING},
        {"wanted": Wanted.LOGGED_OUT, "seat_name": None},
    ],
)
async def test_not_for_who_is_not_free(database: Database, values: dict[str, object]) -> None:
    campaign = await given_campaign(database, pacing=PROGRESSIVE)
    await are(database, "1001", **values)
    assert await room(database, campaign) == 2


async def test_while_somebody_waits_in_another_queue_of_theirs(database: Database) -> None:
    campaign = await given_campaign(database, pacing=PROGRESSIVE)
    async with database.transaction() as session:
        session.add(WaitingCaller(uniqueid="pbx1-1.1", queue_name=CONSULTATION, pbx=PBX, joined_at=AT))
    assert await room(database, campaign) == 2


async def test_the_person_who_waits_for_the_agent_is_none_who_phoned(database: Database) -> None:
    campaign = await given_campaign(database, pacing=PROGRESSIVE)
    await add(database, campaign, person())
    assert await place(database, campaign) == 1
    (attempt,) = await attempts(database)
    async with database.transaction() as session:
        session.add(WaitingCaller(uniqueid=attempt.id, queue_name=CALLS_OUT, pbx=PBX, joined_at=AT))
    assert await room(database, campaign) == 2


async def test_who_talks_with_the_person_is_busy_and_the_call_wants_nobody_more(database: Database) -> None:
    campaign = await given_campaign(database, pacing=PROGRESSIVE)
    await add(database, campaign, *(person(index) for index in range(1, 4)))
    assert await place(database, campaign, limit=1) == 1
    (attempt,) = await attempts(database)
    await are(database, "1001", activity=Activity.ON_CALL, activity_call_id=attempt.id)
    assert await room(database, campaign) == 2


async def test_two_campaigns_do_not_count_the_same_agents(database: Database) -> None:
    first, second = [await given_campaign(database, pacing=PROGRESSIVE) for _ in range(2)]
    crews = Crews()
    assert [await room(database, one, crews) for one in (first, second)] == [3, 0]
    crews.begin()
    assert await room(database, second, crews) == 3


async def test_calls_of_the_other_campaign_take_their_agents(database: Database) -> None:
    first, second = [await given_campaign(database, pacing=PROGRESSIVE) for _ in range(2)]
    await add(database, first, person(1), person(2))
    assert await place(database, first) == 2
    assert await room(database, second) == 1


async def test_experience_is_of_the_last_half_hour_and_of_what_rang(database: Database) -> None:
    campaign = await given_campaign(database, pacing={**PROGRESSIVE, "mode": "predictive"})
    outcomes = ["completed", "completed", "abandoned_by_us", "busy", "no_answer", "machine", "not_placed", "completed"]
    await add(database, campaign, *(person(index) for index in range(1, len(outcomes) + 2)))
    assert await place(database, campaign) == len(outcomes) + 1
    rows = await attempts(database)
    async with database.transaction() as session:
        for row, outcome in zip(rows, outcomes, strict=False):
            talked = outcome in ("completed", "abandoned_by_us")
            values = {
                "is_open": False,
                "outcome": outcome,
                "dialled_at": AT,
                "answered_at": AT.replace(second=10) if talked else None,
                "ended_at": AT.replace(second=50),
                "claimed_at": AT - REMEMBERED * 2 if row is rows[len(outcomes) - 1] else AT,
            }
            await session.execute(update(CampaignAttempt).where(CampaignAttempt.id == row.id).values(**values))
        found = await read_experience(session, campaign, since=AT - REMEMBERED)
    assert found == Experience(dialled=6, answered=3, abandoned=1, ring_seconds=10.0, talk_seconds=40.0)


async def test_what_the_agent_has_before_them(database: Database) -> None:
    async with database.transaction() as session:
        patient = await given_patient(session)
    script = {"zh": "请问{name}，{when}的复诊您方便吗？"}
    campaign = await given_campaign(database, pacing=PROGRESSIVE, texts={"script": script})
    await add(database, campaign, person(name="王小明", patient_id=patient.id, variables={"when": "明天"}))
    assert await place(database, campaign) == 1
    (attempt,) = await attempts(database)
    async with database.transaction() as session:
        called = await find_called(session, {"pbx1-1.1", attempt.id})
        assert await find_called(session, {"pbx1-1.1"}) is None
    assert called is not None
    assert (called.e164, called.did, called.queue_name, called.patient_id) == (
        number_of(),
        LINE,
        CALLS_OUT,
        patient.id,
    )
    assert called.script == "请问王小明，明天的复诊您方便吗？"
