"""Preview: who is offered to whom, dialled once, skipped with a reason, and never held for ever."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

from callcenter.agents import service as agents
from callcenter.agents.models import Activity, Agent, Wanted
from callcenter.asterisk.campaign_commands import PlacePreviewCall
from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.calls.service import LedgerHandlers
from callcenter.campaigns import dialling, previews, settling
from callcenter.campaigns.errors import AgentIsBusy, CallersWait, NothingOffered
from callcenter.campaigns.handlers import on_ends
from callcenter.campaigns.models import CampaignState
from callcenter.campaigns.previews import GOOD_FOR, Offer, Skip
from callcenter.core.db import Database
from callcenter.queues.models import QueueMembership, WaitingCaller
from tests.support.campaigns import (
    AT,
    LINE,
    PLAN,
    add,
    attempts,
    contact,
    given_campaign,
    number_of,
    person,
    place,
    set_state,
    why,
)
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import table
from tests.support.people import HOME, PBX, commands_of, given_agent, given_queue, given_seats

CALLS_OUT = "calls-out"
PREVIEW = {"mode": "preview", "queue": CALLS_OUT, "ring_seconds": 25}
HANDLERS = LedgerHandlers(on_ends=(on_ends,))
SEAT = "PJSIP/seat-1-00000001"


@pytest.fixture(autouse=True)
async def two_agents(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, CALLS_OUT)
        for number in ("1001", "1002"):
            seat = f"seat-{number[-1]}"
            await given_seats(session, seat)
            agent = await given_agent(session, number, queues=[CALLS_OUT])
            agent.wanted, agent.activity, agent.seat_name = Wanted.AVAILABLE, Activity.IDLE, seat


async def given_people(database: Database, count: int = 1) -> UUID:
    campaign = await given_campaign(database, pacing=PREVIEW, texts={"script": {"zh": "请问是{name}吗？"}})
    await add(database, campaign, *(person(index, name=f"病人{index}") for index in range(1, count + 1)))
    return campaign


async def offered(database: Database, number: str = "1001", at: datetime = AT) -> Offer | None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number, lock=True)
        rules = await dialling.read(session, PBX, HOME, PLAN, at)
        return await previews.offer(session, agent, rules, at)


async def dialled(database: Database, number: str = "1001", at: datetime = AT) -> str:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number, lock=True)
        return (await previews.dial(session, agent, PLAN, at))[1]


async def skipped(database: Database, reason: Skip, number: str = "1001") -> None:
    async with database.transaction() as session:
        await previews.skip(session, await agents.get_agent(session, number, lock=True), reason, AT)


async def test_each_agent_is_offered_another_and_the_same_again_until_they_decide(database: Database) -> None:
    await given_people(database, 2)
    first, second = await offered(database), await offered(database, "1002")
    assert first is not None and second is not None
    assert {(one.called.e164, one.called.script) for one in (first, second)} == {
        (number_of(index), f"请问是病人{index}吗？") for index in (1, 2)
    }  # both are due at one moment: either may come first
    assert await offered(database) == first
    assert first.until == AT + GOOD_FOR
    assert await commands_of(database) == []


async def test_it_is_dialled_once(database: Database) -> None:
    await given_people(database)
    assert await offered(database) is not None
    attempt_id = await dialled(database)
    assert kind_of_dial(attempt_id) is DialKind.PREVIEW
    assert await commands_of(database) == [
        PlacePreviewCall(attempt=attempt_id, seat="seat-1", number="13800000001", did=LINE, ring_seconds=25)
    ]
    with pytest.raises(NothingOffered):
        await dialled(database)
    assert await offered(database, "1002") is None


@pytest.mark.parametrize(
    ("reason", "state", "result"),
    [(Skip.LATER, "waiting", None), (Skip.DONE_OTHERWISE, "finished", "withdrawn")],
)
async def test_skipped_with_a_reason(database: Database, reason: Skip, state: str, result: str | None) -> None:
    campaign = await given_people(database)
    await offered(database)
    await skipped(database, reason)
    found = await contact(database)
    assert (found.state, found.result, found.reason, found.attempts) == (state, result, f"skipped_{reason.value}", 0)
    assert await attempts(database) == []
    assert (await why(database))[-1][1] == f"skipped_{reason.value}"
    if reason is Skip.LATER:
        assert found.next_at == AT + timedelta(hours=1)
        assert await offered(database) is None
        assert await offered(database, at=AT + timedelta(hours=1)) is not None
    assert await place(database, campaign) == 0


async def test_nobody_calls_whom_an_agent_looks_at(database: Database) -> None:
    await given_people(database)
    other = await given_campaign(database)
    await add(database, other, person(7, numbers=["13800000001"]))
    await offered(database)
    assert await place(database, other) == 0


async def test_who_phoned_comes_first(database: Database) -> None:
    await given_people(database)
    await offered(database)
    async with database.transaction() as session:
        session.add(WaitingCaller(uniqueid="pbx1-1.1", queue_name=CALLS_OUT, pbx=PBX, joined_at=AT))
    with pytest.raises(CallersWait):
        await dialled(database)
    with pytest.raises(CallersWait):
        await offered(database, "1002")


async def test_not_while_the_agent_talks(database: Database) -> None:
    await given_people(database)
    await offered(database)
    async with database.transaction() as session:
        await session.execute(update(Agent).values(activity=Activity.ON_CALL))
    with pytest.raises(AgentIsBusy):
        await dialled(database)
    with pytest.raises(AgentIsBusy):
        await offered(database, "1002")


async def test_not_when_the_campaign_is_paused_or_the_agent_serves_another_queue(database: Database) -> None:
    campaign = await given_people(database)
    await offered(database)
    await set_state(database, campaign, CampaignState.PAUSED)
    with pytest.raises(NothingOffered):
        await dialled(database)
    await set_state(database, campaign, CampaignState.RUNNING)
    async with database.transaction() as session:
        other = await agents.get_agent(session, "1002")
        place_of_other = await session.get_one(QueueMembership, (CALLS_OUT, other.id))
        await session.delete(place_of_other)
    await add(database, campaign, person(9))
    assert await offered(database, "1002") is None


async def test_an_offer_that_nobody_decides_on_is_over(database: Database) -> None:
    await given_people(database)
    await offered(database)
    later = AT + GOOD_FOR + timedelta(seconds=30)
    async with database.transaction() as session:
        assert await settling.list_to_look_for(session, PBX, AT + GOOD_FOR) == set()
        (attempt_id,) = await settling.list_to_look_for(session, PBX, later)
        await settling.settle_vanished(session, [attempt_id], later, HOME)
    found = await contact(database)
    assert (found.state, found.reason) == ("waiting", "not_placed")
    with pytest.raises(NothingOffered):
        await dialled(database, at=later)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("9.0 CC_DIAL_END attempt=x:status=BUSY:cause=17", "busy"),
        ("9.0 CC_DIAL_END attempt=x:status=NOANSWER:cause=19", "no_answer"),
        ("", "unknown"),
    ],
)
async def test_what_came_of_it(database: Database, tmp_path: Path, end: str, outcome: str) -> None:
    await given_people(database)
    await offered(database)
    attempt_id = await dialled(database)
    folder = LedgerFolder(tmp_path)
    await read_all_of(folder, database, attempt_id, end)
    (attempt,) = await attempts(database)
    assert (attempt.outcome, attempt.agent_number) == (outcome, "1001")


async def read_all_of(folder: LedgerFolder, database: Database, attempt_id: str, end: str) -> None:
    lines = ["0.1 CHAN_START", "3.0 ANSWER", "3.1 CC_DIAL attempt=x", *([end] if end else []), "9.5 HANGUP {}"]
    told = []
    for line in [*lines, "9.6 LINKEDID_END"]:
        seconds, kind, *detail = line.split(maxsplit=2)
        told.append(f"{seconds} {kind} {SEAT} {attempt_id} {attempt_id} {' '.join(detail)}")
    folder.append(table("\n".join(told)))
    await read_all(folder, database, HANDLERS)


async def test_the_agent_did_not_answer_their_own_telephone(database: Database, tmp_path: Path) -> None:
    await given_people(database)
    await offered(database)
    attempt_id = await dialled(database)
    folder = LedgerFolder(tmp_path)
    folder.append(
        table(
            "\n".join(
                f"{line} {SEAT} {attempt_id} {attempt_id} "
                for line in ("0.1 CHAN_START", "30.0 HANGUP", "30.1 LINKEDID_END")
            )
        )
    )
    await read_all(folder, database, HANDLERS)
    (attempt,) = await attempts(database)
    assert (attempt.outcome, attempt.dialled_at) == ("not_placed", None)
