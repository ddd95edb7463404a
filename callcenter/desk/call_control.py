"""What an agent does with the call at their telephone, and calls that they make: checked, committed as a command.

The engine carries it out within the second, or says why not (desk/command_results.py).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import service as agents
from callcenter.agents.errors import TelephoneAway
from callcenter.agents.live_calls import CallState, LiveCall, live_call_of
from callcenter.agents.models import Activity, Agent, Wanted
from callcenter.asterisk.call_commands import (
    CallCommand,
    CancelTransfer,
    CompleteTransfer,
    ConsultCall,
    DialFromSeat,
    HangUpCall,
    HoldCall,
    JoinCalls,
    Kind,
    MuteCall,
    PauseRecording,
    PressKeys,
    TransferCall,
    UnholdCall,
)
from callcenter.asterisk.channel_ids import new_channel_id
from callcenter.asterisk.commands import request_command
from callcenter.asterisk.models import PbxCommand
from callcenter.callbacks import queries as callback_queries
from callcenter.callouts import do_not_call
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home, Refusal
from callcenter.callouts.service import CallOut
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.desk import dial_queries
from callcenter.desk.call_errors import (
    AgentNotFree,
    AlreadyOnCall,
    NoLiveCall,
    NumberNotDialled,
    WrongCallState,
)
from callcenter.desk.dial_models import AgentDial
from callcenter.patients import service as patients
from callcenter.queues import service as queues

_AGENT_DIAL = "ad"
"""Kind of channel id: a call that an agent makes."""
_WITH_SOMEBODY = frozenset({CallState.TALKING, CallState.CONSULTING, CallState.CONFERENCE})
STATES: dict[type[CallCommand], frozenset[CallState]] = {
    HangUpCall: frozenset(CallState) - {CallState.ENDED},
    HoldCall: frozenset({CallState.TALKING}),
    UnholdCall: frozenset({CallState.HELD}),
    MuteCall: _WITH_SOMEBODY,
    PressKeys: _WITH_SOMEBODY,
    PauseRecording: _WITH_SOMEBODY | {CallState.HELD},
    TransferCall: frozenset({CallState.TALKING, CallState.HELD}),
    ConsultCall: frozenset({CallState.TALKING, CallState.HELD}),
    CompleteTransfer: frozenset({CallState.CONSULTING}),
    CancelTransfer: frozenset({CallState.CONSULTING}),
    JoinCalls: frozenset({CallState.CONSULTING}),
}
"""In which states of the call each can be done."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call or pass a call to. ``to``: an agent's number, a queue's name or a telephone number.

    ``confirmed``: the agent was told that the number is on the do-not-call list.
    """

    kind: str
    to: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """The agent, under their log-in name, at one PBX."""

    agent: Agent
    log_in: str
    pbx: str


def require_call(agent: Agent, states: Collection[CallState]) -> LiveCall:
    """Raises NoLiveCall, WrongCallState."""
    call = live_call_of(agent)
    if call is None or agent.seat_name is None:
        raise NoLiveCall
    if call.state not in states:
        raise WrongCallState(state=call.state.value, wanted=sorted(states))
    return call


async def request_on_call(
    session: AsyncSession, asker: Asker, command: type[CallCommand], **arguments: object
) -> PbxCommand:
    """Ask for ``command`` about the call at the agent's telephone. Raises NoLiveCall, WrongCallState."""
    call = require_call(asker.agent, STATES[command])
    return await _request(
        session, asker, command.model_validate({"seat": asker.agent.seat_name, "call": call.call_id, **arguments})
    )


async def request_passing_on(
    session: AsyncSession,
    asker: Asker,
    command: type[TransferCall | ConsultCall],
    target: Target,
    *,
    plan: NumberPlan,
    home: Home,
) -> PbxCommand:
    """Transfer the call to ``target``, or consult there. Raises as :func:`request_on_call` and :func:`_resolve`."""
    call = require_call(asker.agent, STATES[command])
    kind, to = await _resolve(session, asker, target, call, plan=plan, home=home)
    return await request_on_call(session, asker, command, kind=kind, to=to)


async def request_dial(
    session: AsyncSession, asker: Asker, target: Target, *, plan: NumberPlan, home: Home
) -> tuple[PbxCommand, str]:
    """Ring the agent's telephone, then ``target``; the command and the id that the call will have.

    Raises AlreadyOnCall, TelephoneAway, and as :func:`_resolve`.
    """
    agent = asker.agent
    if agent.seat_name is None or not await dial_queries.is_registered(session, agent.seat_name):
        raise TelephoneAway
    if agent.live_call is not None or agent.activity in (Activity.RINGING, Activity.ON_CALL):
        raise AlreadyOnCall
    kind, to = await _resolve(session, asker, target, None, plan=plan, home=home)
    dial_id = to if kind == "number" else new_channel_id(asker.pbx, _AGENT_DIAL)
    did = await callback_queries.find_did(session, "") or ""
    command = DialFromSeat(seat=agent.seat_name, dial=dial_id, kind=kind, to=to, did=did)
    return await _request(session, asker, command), dial_id


async def report_refused_number(session: AsyncSession, asker: str, raw: str, refusal: str, plan: NumberPlan) -> None:
    """A number was asked for that is not dialled: whoever watches the costs wants to know."""
    e164 = plan.normalise(raw)
    if e164 is not None:
        await callouts.report_refusal(session, CallOut(e164, staff=asker), Refusal(refusal))


async def claim_dial(session: AsyncSession, dial_id: str, since: datetime, home: Home) -> AgentDial | None:
    """The dialplan asks for the number: it is given out once, and counted.

    None: there is no such dial, it was given out, or is refused meanwhile.
    """
    dial = await dial_queries.lock_dial(session, dial_id, since=since)
    if dial is None or dial.claimed_at is not None:
        return None
    dial.claimed_at = now()
    refusal = await callouts.take_place(session, _call_out(dial.e164, dial.asked_by), home, dial.claimed_at)
    dial.refusal = refusal.value if refusal else None
    return dial if refusal is None else None


async def _resolve(
    session: AsyncSession, asker: Asker, target: Target, call: LiveCall | None, *, plan: NumberPlan, home: Home
) -> tuple[Kind, str]:
    """What the dialplan calls ``target``.

    Raises AgentNotFound, AgentNotFree, QueueNotFound, NumberNotDialled, OnDoNotCallList.
    """
    if target.kind == "queue":
        return "queue", (await queues.get_queue(session, target.to)).name
    if target.kind == "number":
        return "number", await _new_dial(session, asker, target, call, plan=plan, home=home)
    return "agent", await _seat_of_free_agent(session, asker, target.to, call)


async def _seat_of_free_agent(session: AsyncSession, asker: Asker, number: str, call: LiveCall | None) -> str:
    agent = await agents.get_agent(session, number)
    is_there = agent.wanted != Wanted.LOGGED_OUT and agent.seat_name is not None and agent.id != asker.agent.id
    if not (is_there and agent.activity in (Activity.IDLE, Activity.WRAP_UP) and agent.seat_name):
        raise AgentNotFree(agent=number)
    record = await dial_queries.find_call(session, call.call_id) if call else None
    is_against = record is not None and record.about_agent_number == number
    if is_against or not await dial_queries.is_registered(session, agent.seat_name):
        raise AgentNotFree(agent=number)
    return agent.seat_name


async def _new_dial(
    session: AsyncSession, asker: Asker, target: Target, call: LiveCall | None, *, plan: NumberPlan, home: Home
) -> str:
    e164 = plan.normalise(target.to)
    if e164 is None:
        raise NumberNotDialled(reason=Refusal.NOT_A_NUMBER.value)
    at = now()
    refusal = await callouts.find_refusal(session, _call_out(e164, asker.log_in), home, at)
    if refusal is not None:
        raise NumberNotDialled(reason=refusal.value)
    caller = await patients.recognise_caller(session, e164)
    patient_id = caller.patients[0].id if len(caller.patients) == 1 else None
    await do_not_call.require_callable(session, e164, patient_id, at, confirmed=target.confirmed)
    queue_name = (call.queue if call else None) or await dial_queries.find_fallback_queue(session)
    dial = AgentDial(
        id=new_channel_id(asker.pbx, _AGENT_DIAL),
        agent_id=asker.agent.id,
        asked_by=asker.log_in,
        e164=e164,
        did=await callback_queries.find_did(session, queue_name) or "",
        queue_name=queue_name,
        patient_id=patient_id,
        requested_at=at,
    )
    session.add(dial)
    return dial.id


async def _request(session: AsyncSession, asker: Asker, command: CallCommand | DialFromSeat) -> PbxCommand:
    row = await request_command(session, asker.pbx, command, cause=agents.member_name(asker.agent))
    await session.flush()
    return row


def _call_out(e164: str, log_in: str) -> CallOut:
    """Confirmed: who asked was warned of the do-not-call list, or the number was not on it then."""
    return CallOut(e164, staff=log_in, confirmed=True)
