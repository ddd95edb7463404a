"""What agents do with their calls over the API, at telephones that do nothing but ring, talk and hang up."""

from typing import Any

import httpx
from sqlalchemy import select

from callcenter.agents.live_calls import live_call_of
from callcenter.agents.models import Activity, Agent, AgentMessage
from callcenter.calls.models import Call, Leg
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import StayUntilHangUp
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

PATIENT = PATIENTS[0]
ME = "/api/v1/agents/me"
FIRST, SECOND, THIRD = agent("1001"), agent("1002"), agent("1003")
STAY = [StayUntilHangUp(120)]


class Desk:
    """An agent's page, as far as it steers calls."""

    def __init__(self, hotline: Hotline, client: httpx.AsyncClient, number: str) -> None:
        self._hotline, self._client, self.number = hotline, client, number

    async def ask(self, what: str, **body: Any) -> httpx.Response:
        return await self._client.post(f"{ME}/{what}", json=body or None)

    async def does(self, what: str, **body: Any) -> None:
        """Asked for, carried out, and told."""
        answer = await self.ask(what, **body)
        assert answer.status_code == 202, answer.text
        command_id = answer.json()["command_id"]

        async def look() -> dict[str, Any] | None:
            told = [one.after for one in await self.told("command") if one.after]
            return next((one for one in told if one["id"] == command_id), None)

        told = await until(f"{self.number} is told what came of {what}", look)
        assert told is not None
        assert (told["state"], told["reason"]) == ("done", None)

    async def told(self, kind: str) -> list[AgentMessage]:
        async with self._hotline.database.transaction() as session:
            query = select(AgentMessage).join(Agent, Agent.id == AgentMessage.agent_id)
            rows = await session.scalars(
                query.where(Agent.number == self.number, AgentMessage.type == kind).order_by(AgentMessage.sequence)
            )
            return list(rows)

    async def row(self) -> Agent:
        async with self._hotline.database.transaction() as session:
            return (await session.scalars(select(Agent).where(Agent.number == self.number))).one()

    async def call_is(self, *states: str | None) -> None:
        """The agent's call is in this state; None: there is none."""

        async def look() -> bool:
            call = live_call_of(await self.row())
            return (call.state.value if call else None) in states

        await until(f"{self.number}'s call is {states}", look)

    async def is_idle(self) -> None:
        async def look() -> bool:
            row = await self.row()
            return row.activity == Activity.IDLE and row.live_call is None

        await until(f"{self.number} is idle", look)


async def sit_down(hotline: Hotline, url_of: Any, who: Any, *, ring_seconds: float = 0.5) -> Desk:
    await hotline.agent_sits_down(who, STAY, ring_seconds=ring_seconds)
    return Desk(hotline, await hotline.api(url_of, who.username, AGENT_PASSWORD), who.number)


async def legs_of(hotline: Hotline, call: Call) -> list[tuple[str, str | None]]:
    async with hotline.database.transaction() as session:
        query = select(Leg).where(Leg.call_id == call.id).order_by(Leg.started_at)
        return [(leg.role, leg.agent_number) for leg in await session.scalars(query)]


async def test_hold_consult_confer_and_pass_on(hotline: Hotline) -> None:
    """One caller, three agents, one call in the record; nobody is dropped."""
    service = await hotline.stack.start_service()
    first = await sit_down(hotline, service, FIRST)
    patient = await hotline.ask_for_a_person(PATIENT, STAY)
    await first.call_is("talking")
    offer = (await first.told("offer"))[0].after
    assert offer is not None
    assert (offer["queue"], offer["caller_masked"], offer["patients"]) == ("consultation", "+86138****0001", 1)
    assert [step["outcome"] for step in offer["steps"]] == ["2"]

    assert (await first.ask("call/unhold")).json()["code"] == "wrong-call-state"
    await first.does("call/hold")
    await first.call_is("held")
    await hotline.observer.pause(2)
    await first.does("call/unhold")
    await first.does("call/mute")
    await first.does("call/unmute")
    await first.does("call/keypad", keys="5#")

    second = await sit_down(hotline, service, SECOND)
    await first.does("call/consult", kind="agent", to="1002")
    await second.call_is("talking")
    await first.does("call/cancel-transfer")
    await second.is_idle()
    await first.call_is("talking")
    await first.does("call/consult", kind="agent", to="1002")
    await second.call_is("talking")
    await first.does("call/conference")
    await first.call_is("conference")
    await first.does("call/hang-up")
    await first.is_idle()

    third = await sit_down(hotline, service, THIRD)
    await second.does("call/transfer", kind="queue", to="complaint")
    await third.call_is("talking")
    await second.is_idle()
    await third.does("call/hang-up")
    await third.is_idle()
    assert (await third.ask("call/hang-up")).json()["code"] == "no-live-call"
    await patient.done(60)

    call = await hotline.finished_call(PATIENT.e164)
    assert (call.direction, call.outcome, call.agent_number) == ("inbound", "answered", "1003")
    assert [one for one in await legs_of(hotline, call) if one[0] == "agent"] == [
        ("agent", number) for number in ("1001", "1002", "1002", "1003")
    ]
    visits = await hotline.visits(call)
    assert [(visit.queue_name, visit.outcome, visit.agent_number) for visit in visits] == [
        ("consultation", "answered", "1001"),
        ("complaint", "answered", "1003"),
    ]
    assert visits[0].priority == visits[1].priority
    assert call.hold_seconds > 3  # held once, and twice while another agent was asked
    assert call.talk_seconds > 3
    connected = sum(visit.talk_seconds for visit in visits)
    assert connected <= call.talk_seconds + 0.001
    assert call.talk_seconds + call.hold_seconds + call.wait_seconds <= call.duration_seconds + 0.001


async def test_transfers_come_back_or_are_completed(hotline: Hotline) -> None:
    """To an agent who does not answer: back to who passed it on. Attended: merged into one call, the asker is out."""
    service = await hotline.stack.start_service()
    first = await sit_down(hotline, service, FIRST)
    patient = await hotline.ask_for_a_person(PATIENT, STAY)
    await first.call_is("talking")
    second = await sit_down(hotline, service, SECOND, ring_seconds=60)
    assert (await first.ask("call/transfer", kind="agent", to="1003")).json()["code"] == "agent-not-free"
    await first.does("call/transfer", kind="agent", to="1002")
    await second.call_is("ringing")
    await first.is_idle()
    await second.does("call/hang-up")  # refused
    await second.is_idle()
    await first.call_is("talking")
    assert len(await first.told("offer")) == 1

    third = await sit_down(hotline, service, THIRD)
    await first.does("call/consult", kind="agent", to="1003")
    await third.call_is("talking")
    await first.does("call/complete-transfer")
    await first.is_idle()
    call_row = live_call_of(await third.row())
    assert call_row is not None
    assert (call_row.peer_masked, call_row.direction) == ("+86138****0001", "inbound")
    await hotline.observer.pause(1)
    await third.does("call/hang-up")
    await third.is_idle()
    await patient.done(60)

    call = await hotline.finished_call(PATIENT.e164)
    assert (call.outcome, call.agent_number) == ("answered", "1003")
    assert [leg for leg in await legs_of(hotline, call) if leg[0] == "agent"] == [
        ("agent", number) for number in ("1001", "1002", "1001", "1003")
    ]
    visits = await hotline.visits(call)
    assert [(visit.queue_name, visit.outcome, visit.reason) for visit in visits] == [
        ("consultation", "answered", "transferred")
    ]
    assert "rating" in " ".join(await hotline.steps(call))  # the flow went on after the last conversation


async def test_click_to_dial(hotline: Hotline) -> None:
    """Only what the hospital allows; the agent's telephone rings first; an outbound call in the record."""
    service = await hotline.stack.start_service()
    first = await sit_down(hotline, service, FIRST)
    second = await sit_down(hotline, service, SECOND)
    refused = await first.ask("calls", kind="number", to="+12125550123")
    assert (refused.status_code, refused.json()["code"]) == (422, "number-not-dialled")
    callee = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, STAY)
    await first.does("calls", kind="number", to=PATIENT.number)
    await first.call_is("talking")
    assert (await first.ask("calls", kind="agent", to="1002")).json()["code"] == "already-on-call"
    await first.does("call/hold")
    await hotline.observer.pause(1)
    await first.does("call/unhold")
    await first.does("call/transfer", kind="agent", to="1002")
    await second.call_is("talking")
    await first.is_idle()
    await second.does("call/hang-up")
    await second.is_idle()
    await callee.done(30)
    await hotline.no_calls_left()

    await first.does("calls", kind="agent", to="1002")
    await second.call_is("talking")
    await first.does("call/hang-up")
    await second.is_idle()
    outbound, internal = await hotline.all_finished(2)
    assert (outbound.direction, outbound.outcome, outbound.caller_number) == ("outbound", "answered", PATIENT.e164)
    assert (outbound.agent_number, outbound.patient_id is not None) == ("1002", True)
    assert [number for _, number in await legs_of(hotline, outbound) if number] == ["1001", "1002"]
    assert outbound.hold_seconds > 0.5
    assert outbound.talk_seconds > 0
    assert (internal.direction, internal.outcome) == ("internal", "answered")
