"""Calls that agents make and steer over HTTP, what the live events tell their desks, and what came of commands."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.live_calls import live_call_of
from callcenter.agents.models import Activity, Seat
from callcenter.asterisk.call_commands import (
    ConsultCall,
    DialFromSeat,
    HangUpCall,
    HoldCall,
    JoinCalls,
    MuteCall,
    PressKeys,
    TransferCall,
)
from callcenter.asterisk.events import (
    AgentCalled,
    AgentComplete,
    AgentConnect,
    AgentRingNoAnswer,
    Event,
    Hangup,
    QueueCallerAbandon,
    QueueCallerJoin,
    UserEvent,
)
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.asterisk.sender import TOO_LATE
from callcenter.callouts.policy import Limits
from callcenter.callouts.service import put_limits
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM, AuditEntry
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.desk import call_control
from callcenter.desk.command_results import on_command_over
from callcenter.desk.dial_models import AgentDial
from callcenter.desk.dialling import GOOD_FOR
from callcenter.desk.handlers import DeskEvents
from callcenter.patients.models import Patient, PatientNumber
from callcenter.queues import handlers as queue_handlers
from callcenter.queues.models import Did
from callcenter.retention import keep_to_retention
from tests.support.people import (
    BY_AGENT,
    HOME,
    PBX,
    asker,
    commands_of,
    given_agent,
    given_queue,
    given_seats,
    history_of,
    messages_of,
    state_of,
)
from tests.support.queue_events import CALL, event

ME = "/api/v1/agents/me"
LEG = "pbx1-1763754640.15"
OWN_CHANNEL, OTHERS_CHANNEL = "PJSIP/seat-rose-00000002", "PJSIP/seat-lotus-00000003"
PLAN = NumberPlan("CN", "")
DESK_EVENTS = DeskEvents(PLAN)
HANDLERS = {**queue_handlers.HANDLERS, **DESK_EVENTS.handlers}
Headers = dict[str, str]


@pytest.fixture
async def li_na(database: Database) -> Headers:
    """Headers of agent 1001, who sits at seat-rose and is free; 1002 at seat-lotus too."""
    async with database.transaction() as session:
        await given_seats(session, "seat-rose", "seat-lotus")
        await given_queue(session, "vip", wrap_up_seconds=20)
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="vip", language="zh"))
        await session.execute(update(Seat).values(registered=True))
    headers = await asker(database, Role.AGENT, agent="1001", queues=("vip",))
    async with database.transaction() as session:
        await given_agent(session, "1002", queues=["vip"])
        for number, seat in (("1001", "seat-rose"), ("1002", "seat-lotus")):
            agent = await agents.get_agent(session, number, lock=True)
            await agents.log_in(session, agent, seat, **BY_AGENT)
            await agents.set_available(session, agent, **BY_AGENT)
    return headers


def at_agent(kind: type[Event], number: str = "1001", leg: str = LEG, **headers: object) -> Event:
    caller: dict[str, Any] = {"CallerIDNum": "13800000001", "DestUniqueid": leg, "Interface": "PJSIP/seat-rose"}
    return event(kind, MemberName=f"agent-{number}", **(caller | headers))


def leg_event(state: str, leg: str = LEG, channel: str = OWN_CHANNEL, *, call: str = CALL, **headers: object) -> Event:
    own: dict[str, Any] = {
        "UserEvent": "AgentLeg",
        "State": state,
        "Uniqueid": leg,
        "Linkedid": call,
        "Channel": channel,
    }
    return event(UserEvent, **(own | headers))


def hangup(leg: str = LEG, channel: str = OWN_CHANNEL) -> Event:
    return event(Hangup, Uniqueid=leg, Channel=channel, Cause=16)


async def happens(database: Database, *events: Event) -> None:
    async with database.transaction() as session, DESK_EVENTS.batch(events, session):
        for one in events:
            await HANDLERS[type(one)](one, session)


async def talks(database: Database) -> None:
    await happens(database, at_agent(AgentCalled))
    await happens(database, at_agent(AgentConnect))


async def told(database: Database, kind: str, number: str = "1001") -> list[Any]:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number)
        return [one for one in await messages_of(session, agent) if one.type == kind]


async def call_states(database: Database, number: str = "1001") -> list[str]:
    return [one.after["state"] for one in await told(database, "call", number)]


async def is_over(database: Database, state: CommandState = CommandState.DONE, answer: str = "") -> None:
    """The last command, as the engine's sender records it."""
    async with database.transaction() as session:
        row = (await session.scalars(select(PbxCommand).order_by(PbxCommand.id.desc()).limit(1))).one()
        row.state, row.answer, row.finished_at = state, answer, now()
        await on_command_over(session, row)


# -- live events


async def test_an_offer_is_out_with_the_ringing(database: Database, li_na: Headers) -> None:
    async with database.transaction() as session:
        patient = Patient(external_id="p1", name="张伟", language="zh", created_at=now(), updated_at=now())
        session.add(patient)
        await session.flush()
        session.add(PatientNumber(patient_id=patient.id, e164="+8613800000001"))
    joined = event(QueueCallerJoin, CallerIDNum="13800000001", ChanVariable="CC_QUEUE=vip\nCC_PRIO=5")
    await happens(database, joined, at_agent(AgentCalled))
    (offer,) = await told(database, "offer")
    assert offer.before is None
    assert offer.after == {
        "call_id": CALL,
        "queue": "vip",
        "wait_seconds": 0,
        "caller_masked": "+86138****0001",
        "vip_grade": None,
        "verified": False,
        "patients": 1,
        "steps": [],
    }
    assert (await state_of(database)).activity == Activity.RINGING


async def test_a_queues_call_from_ring_to_end(database: Database, li_na: Headers) -> None:
    await talks(database)
    await happens(database, at_agent(AgentComplete), hangup())
    assert await call_states(database) == ["talking", "ended"]
    assert (await state_of(database)).live_call is None
    assert [one.activity for one in await history_of(database)][-3:] == ["ringing", "on_call", "wrap_up"]


@pytest.mark.parametrize("end", [at_agent(AgentRingNoAnswer), hangup(), event(QueueCallerAbandon)])
async def test_a_ring_that_nobody_answers_leaves_nothing(database: Database, li_na: Headers, end: Event) -> None:
    await happens(database, at_agent(AgentCalled))
    await happens(database, end)
    agent = await state_of(database)
    assert (agent.activity, agent.live_call) == (Activity.IDLE, None)


async def test_the_own_leg_ends_the_call_where_the_queue_tells_it_late(database: Database, li_na: Headers) -> None:
    """After a consultation or conference app_queue tells the agent's end only when the caller goes."""
    await talks(database)
    await happens(database, hangup())
    assert (await state_of(database)).activity == Activity.WRAP_UP
    await happens(database, at_agent(AgentCalled, leg="pbx1-9.9"), at_agent(AgentConnect, leg="pbx1-9.9"))
    await happens(database, at_agent(AgentComplete))  # of the call before
    agent = await state_of(database)
    call = live_call_of(agent)
    assert call is not None
    assert (agent.activity, call.leg) == (Activity.ON_CALL, "pbx1-9.9")


async def test_in_a_conference_the_caller_may_leave_first(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    await talks(database)
    for what, body in (("consult", {"kind": "agent", "to": "1002"}), ("conference", None)):
        assert (await client.post(f"{ME}/call/{what}", json=body, headers=li_na)).status_code == 202
        await is_over(database)
    await happens(database, at_agent(AgentComplete))
    assert (await state_of(database)).activity == Activity.ON_CALL
    await happens(database, hangup())
    assert (await state_of(database)).activity == Activity.WRAP_UP


async def test_a_call_that_another_agent_passed_on(database: Database, li_na: Headers) -> None:
    other = {"leg": "pbx1-2.2", "channel": OTHERS_CHANNEL}
    await happens(database, leg_event("rings", **other, Kind="transfer"))
    assert (await state_of(database, "1002")).activity == Activity.RINGING
    await happens(database, leg_event("talks", **other, Kind="transfer"))
    agent = await state_of(database, "1002")
    assert (agent.activity, agent.activity_call_id) == (Activity.ON_CALL, CALL)
    await happens(database, hangup("pbx1-2.2", OTHERS_CHANNEL))
    assert (await state_of(database, "1002")).activity == Activity.IDLE
    assert await call_states(database, "1002") == ["ringing", "talking", "ended"]


async def test_a_consultation_that_ends_by_itself(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    await talks(database)
    await client.post(f"{ME}/call/consult", json={"kind": "agent", "to": "1002"}, headers=li_na)
    await is_over(database)
    assert (await call_states(database))[-1] == "consulting"
    over = leg_event("consulted", "pbx1-3.3", "Local/D@agent-consult-agent-00000001;2", Seat="seat-rose")
    await happens(database, over)
    assert (await call_states(database))[-1] == "talking"
    await happens(database, over)
    assert len(await call_states(database)) == 3


async def test_events_of_seats_where_nobody_sits_are_nothing(database: Database, li_na: Headers) -> None:
    nobody = leg_event("talks", "pbx1-2.2", "PJSIP/seat-maple-00000009")
    await happens(database, nobody, hangup("pbx1-2.2"), leg_event("rings", UserEvent="Other"))
    assert (await state_of(database)).activity == Activity.IDLE


async def test_a_snapshot_finds_calls_that_no_queue_gave(database: Database, li_na: Headers) -> None:
    def channel(application: str, state: str = "Up") -> LiveChannel:
        return LiveChannel(OWN_CHANNEL, LEG, CALL, state, "", "seats", "s", application)

    async def snapshot(*channels: LiveChannel) -> None:
        async with database.transaction() as session:
            await queue_handlers.correct_live(session, PBX, [], [], {"seat-rose"}, channels=channels)

    await snapshot(channel("AGI"))  # a feature code
    assert (await state_of(database)).activity == Activity.IDLE
    await snapshot(channel("AppDial"))
    agent = await state_of(database)
    assert (agent.activity, agent.activity_call_id) == (Activity.ON_CALL, CALL)
    assert await call_states(database) == ["talking"]
    await snapshot()
    agent = await state_of(database)
    assert (agent.activity, agent.live_call) == (Activity.IDLE, None)
    assert await call_states(database) == ["talking", "ended"]


# -- what agents ask for


@pytest.mark.parametrize(
    "what",
    [
        *("hang-up", "hold", "unhold", "mute", "unmute", "complete-transfer", "cancel-transfer", "conference"),
        *("recording/pause", "recording/resume"),
    ],
)
async def test_without_a_call_nothing_can_be_done(client: httpx.AsyncClient, li_na: Headers, what: str) -> None:
    answer = await client.post(f"{ME}/call/{what}", headers=li_na)
    assert (answer.status_code, answer.json()["code"]) == (409, "no-live-call")


async def test_commands_about_the_call(client: httpx.AsyncClient, database: Database, li_na: Headers) -> None:
    await talks(database)
    own = {"seat": "seat-rose", "call": CALL}
    for what, body, command, after in (
        ("hold", None, HoldCall(**own), {"state": "held"}),
        ("transfer", {"kind": "queue", "to": "vip"}, TransferCall(**own, kind="queue", to="vip"), {"state": "held"}),
        ("unhold", None, None, {"state": "talking"}),
        ("mute", None, MuteCall(**own, muted=True), {"muted": True}),
        ("keypad", {"keys": "12#"}, PressKeys(**own, keys="12#"), {"muted": True}),
        ("unmute", None, MuteCall(**own, muted=False), {"muted": False}),
        ("recording/pause", None, None, {"recording_paused": True}),
        ("recording/resume", None, None, {"recording_paused": False}),
        ("consult", {"kind": "expert", "to": "1002"}, ConsultCall(**own, kind="agent", to="seat-lotus"), {}),
        ("conference", None, JoinCalls(**own), {"state": "conference"}),
        ("hang-up", None, HangUpCall(**own), {}),
    ):
        answer = await client.post(f"{ME}/call/{what}", json=body, headers=li_na)
        assert answer.status_code == 202, answer.text
        if command is not None:
            assert (await commands_of(database))[-1] == command
        await is_over(database)
        last = (await told(database, "command"))[-1].after
        assert last["id"] == answer.json()["command_id"]
        assert (last["state"], last["reason"]) == ("done", None)
        live_call = (await state_of(database)).live_call
        assert live_call is not None
        assert live_call | after == live_call, what


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ((CommandState.FAILED, TOO_LATE), "too-late"),
        ((CommandState.FAILED, "There is no such call now."), "no-such-live-call"),
        ((CommandState.FAILED, "Invalid"), "refused"),
        ((CommandState.UNKNOWN, ""), "unknown"),
    ],
)
async def test_what_went_wrong_is_told_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, li_na: Headers, result: tuple[CommandState, str], reason: str
) -> None:
    await talks(database)
    await client.post(f"{ME}/call/hold", headers=li_na)
    await is_over(database, *result)
    last = (await told(database, "command"))[-1].after
    assert (last["action"], last["state"], last["reason"]) == ("hold_call", result[0].value, reason)
    assert await call_states(database) == ["talking"]


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("unhold", None),
        ("complete-transfer", None),
        ("cancel-transfer", None),
        ("conference", None),
    ],
)
async def test_not_in_this_state(
    client: httpx.AsyncClient, database: Database, li_na: Headers, what: str, body: Any
) -> None:
    await talks(database)
    answer = await client.post(f"{ME}/call/{what}", json=body, headers=li_na)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-call-state")
    assert answer.json()["details"]["state"] == "talking"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"kind": "agent", "to": "1001"}, (409, "agent-not-free")),
        ({"kind": "agent", "to": "1003"}, (404, "agent-not-found")),
        ({"kind": "queue", "to": "nowhere"}, (404, "queue-not-found")),
        ({"kind": "number", "to": "+12125550123"}, (422, "number-not-dialled")),
        ({"kind": "number", "to": "12"}, (422, "number-not-dialled")),
        ({"kind": "number", "to": "${EXTEN}"}, (422, "validation-failed")),
    ],
)
async def test_where_a_call_cannot_go(
    client: httpx.AsyncClient, database: Database, li_na: Headers, body: dict[str, str], problem: tuple[int, str]
) -> None:
    await talks(database)
    answer = await client.post(f"{ME}/call/transfer", json=body, headers=li_na)
    assert (answer.status_code, answer.json()["code"]) == problem
    assert await commands_of(database) == []


async def test_an_agent_on_a_call_or_away_takes_none(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    await talks(database)
    await happens(database, leg_event("talks", "pbx1-2.2", OTHERS_CHANNEL, call="pbx1-5.5", Kind="internal"))
    to_other = {"kind": "agent", "to": "1002"}
    assert (await client.post(f"{ME}/call/transfer", json=to_other, headers=li_na)).json()["code"] == "agent-not-free"
    await happens(database, hangup("pbx1-2.2", OTHERS_CHANNEL))
    async with database.transaction() as session:
        await session.execute(update(Seat).where(Seat.name == "seat-lotus").values(registered=False))
    assert (await client.post(f"{ME}/call/transfer", json=to_other, headers=li_na)).json()["code"] == "agent-not-free"


# -- click to dial


async def dial(client: httpx.AsyncClient, headers: Headers, **body: Any) -> httpx.Response:
    return await client.post(f"{ME}/calls", json={"kind": "number", "to": "13800000001"} | body, headers=headers)


async def claim(database: Database, dial_id: str) -> str | None:
    async with database.transaction() as session:
        found = await call_control.claim_dial(session, dial_id, now() - GOOD_FOR, HOME)
        return found.e164 if found else None


async def test_click_to_dial(client: httpx.AsyncClient, database: Database, li_na: Headers) -> None:
    answer = await dial(client, li_na)
    assert answer.status_code == 202
    call_id = answer.json()["call_id"]
    assert call_id.startswith("pbx1-ad-")
    assert await commands_of(database) == [
        DialFromSeat(seat="seat-rose", dial=call_id, kind="number", to=call_id, did="8000")
    ]
    async with database.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "desk.make_call"))).one()
    assert (entry.subject_id, entry.details) == (call_id, {"kind": "number"})
    await happens(database, leg_event("dials", call_id, call=call_id, Kind="outbound"))
    call = (await told(database, "call"))[-1].after
    assert (call["direction"], call["peer_masked"], call["state"]) == ("outbound", "+86138****0001", "ringing")
    assert (await state_of(database)).activity == Activity.ON_CALL
    await happens(database, leg_event("reached", "pbx1-7.7", "PJSIP/trunk-00000001", call=call_id, Seat="seat-rose"))
    assert (await call_states(database))[-1] == "talking"
    assert await claim(database, call_id) == "+8613800000001"
    assert await claim(database, call_id) is None  # the number leaves once
    assert (await dial(client, li_na)).json()["code"] == "already-on-call"


async def test_a_number_that_is_not_dialled_raises_an_alarm(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    answer = await dial(client, li_na, to="+12125550123")
    assert (answer.status_code, answer.json()["details"]["reason"]) == (422, "abroad")
    assert "2125550123" not in answer.text
    async with database.transaction() as session:
        assert (await session.scalars(select(Alarm.kind))).all() == ["toll_fraud_suspected"]
        assert (await session.scalars(select(AgentDial))).all() == []


async def test_the_days_limit_holds_when_it_is_dialled(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    first, second = [(await dial(client, li_na)).json()["call_id"] for _ in range(2)]
    async with database.transaction() as session:
        await put_limits(session, SYSTEM, Limits(number_daily=1, asker_daily=10, total_daily=10))
    assert await claim(database, first) is not None
    assert await claim(database, second) is None
    assert (await dial(client, li_na)).json()["details"]["reason"] == "number_limit"


async def test_from_a_telephone_that_is_away_nobody_is_called(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Seat).values(registered=False))
    assert (await dial(client, li_na, kind="agent", to="1002")).json()["code"] == "telephone-away"


async def test_dialled_numbers_are_not_kept_for_ever(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    old, new = [(await dial(client, li_na)).json()["call_id"] for _ in range(2)]
    async with database.transaction() as session:
        at = now() - timedelta(days=Settings().callback_retention_days + 1)
        await session.execute(update(AgentDial).where(AgentDial.id == old).values(requested_at=at))
    await keep_to_retention(database, Settings(), now())
    async with database.transaction() as session:
        assert (await session.scalars(select(AgentDial.id))).all() == [new]
