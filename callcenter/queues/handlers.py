"""Live telephony events of queues: who waits, what agents do. Screens move by them; nothing is counted by them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents import telephones
from callcenter.agents.live_calls import (
    CallState,
    Direction,
    LiveCall,
    is_on_leg,
    live_call_of,
    new_call,
    put_live_call,
)
from callcenter.agents.models import Activity, Agent
from callcenter.asterisk.consumer import Handler
from callcenter.asterisk.events import (
    AgentCalled,
    AgentComplete,
    AgentConnect,
    AgentRingNoAnswer,
    ContactStatus,
    Event,
    Hangup,
    QueueCallerAbandon,
    QueueCallerJoin,
    QueueCallerLeave,
    QueueEntry,
    QueueMember,
    UserEvent,
)
from callcenter.asterisk.ledger import seat_of_channel
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.queue_names import is_personal, main_queue
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.phone_numbers import masked
from callcenter.queues import queries
from callcenter.queues.missed_calls import on_missed_call
from callcenter.queues.service import TOPIC

log = structlog.get_logger(__name__)

_GONE = frozenset({"Removed", "Unreachable"})
_OF_AGENTS = AgentCalled | AgentConnect | AgentRingNoAnswer | AgentComplete
_RINGING = frozenset({6, 7})  # Asterisk's device states: ringing; ringing and in use


_LEGS_OF_CALLS = frozenset({"AppQueue", "AppDial", "Dial", "Queue"})
"""Applications of a telephone that is in a call: rung by a queue or by Dial(), or calling somebody itself."""
_IN_CALL = frozenset({Activity.RINGING, Activity.ON_CALL})

_IN_INFO = "batch of queue events"
"""In ``session.info``."""


@dataclass(slots=True)
class _Batch:
    """What is known before the events of a batch are handled, and what is to be written after it."""

    agents: Mapping[str, Agent]
    """By number, locked."""
    wrap_up_seconds: Mapping[str, int]
    """By the name of the queue, Asterisk's or ours."""
    joined: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows of waiting callers by uniqueid."""
    left: set[str] = field(default_factory=set)
    """Whom to remove, before the rows above are put."""


@asynccontextmanager
async def batch(events: Sequence[Event], session: AsyncSession) -> AsyncIterator[None]:
    """Around the handlers below: locks at once, in order of number, all agents whom these events may change, and
    writes at once who waits."""
    of_agents = [event for event in events if isinstance(event, _OF_AGENTS)]
    numbers = {number for event in of_agents if (number := agents.number_of_member(event.member_name))}
    served = {event.linkedid for event in events if isinstance(event, AgentConnect | QueueCallerAbandon)}
    seats = {seat for event in events if isinstance(event, UserEvent) and (seat := seat_of_event(event))}
    seats |= {event.aor for event in events if isinstance(event, ContactStatus)}
    legs = {event.uniqueid for event in events if isinstance(event, Hangup)}
    found: Sequence[Agent] = ()
    if numbers or served or seats or legs:
        found = await agent_queries.lock_agents(session, numbers, ringing_for=served, seats=seats, legs=legs)
    over = {event.queue for event in events if isinstance(event, AgentComplete)}
    if legs:
        over |= {call.queue for agent in found if (call := live_call_of(agent)) and call.queue}
        over |= {main_queue(event.queue, event.wanted_queue) for event in events if isinstance(event, AgentConnect)}
    wrap_ups = await queries.get_wrap_ups(session, over) if over else {}
    session.info[_IN_INFO] = done = _Batch({agent.number: agent for agent in found}, wrap_ups)
    yield
    for agent in found:
        if agent.live_call is not None and agent.activity not in _IN_CALL:
            await put_live_call(session, agent, None)
    if done.left:
        await queries.remove_waiting(session, done.left)
    if done.joined:
        await queries.put_waiting(session, list(done.joined.values()))


def _batch_of(session: AsyncSession) -> _Batch:
    of_session: _Batch = session.info[_IN_INFO]
    return of_session


def joined_in_batch(session: AsyncSession, uniqueid: str) -> datetime | None:
    """When this caller joined, if that is known only since this batch: its row is written after it."""
    row = _batch_of(session).joined.get(uniqueid)
    return row["joined_at"] if row else None


async def on_queue_caller_join(event: QueueCallerJoin, session: AsyncSession) -> None:
    """A caller waits now, in our queue, whichever of Asterisk's serves it."""
    queue_name = main_queue(event.queue, event.wanted_queue)
    _batch_of(session).joined[event.uniqueid] = {
        "uniqueid": event.uniqueid,
        "queue_name": queue_name,
        "pbx": event.uniqueid.partition("-")[0],
        "caller_number": event.caller_number,
        "priority": event.priority,
        "joined_at": now(),
    }
    await announce(session, TOPIC, [queue_name])


async def on_queue_caller_leave(event: QueueCallerLeave | QueueCallerAbandon, session: AsyncSession) -> None:
    """A caller waits no more, for whatever reason (the record follows from the ledger)."""
    done = _batch_of(session)
    done.left.add(event.uniqueid)
    done.joined.pop(event.uniqueid, None)
    await announce(session, TOPIC, [main_queue(event.queue, event.wanted_queue)])


async def on_agent_called(event: AgentCalled, session: AsyncSession) -> None:
    agent = find_agent(session, event.member_name)
    if agent is not None:
        await agents.record_activity(session, agent, Activity.RINGING, call_id=event.linkedid)
        await put_live_call(session, agent, _call_of(event, event.caller_number), tell=False)


async def on_agent_connect(event: AgentConnect, session: AsyncSession) -> None:
    """An agent answered; whose phones rang for the same caller too (ringall) are idle: no event tells of them."""
    agent = find_agent(session, event.member_name)
    if agent is not None:
        await agents.record_activity(session, agent, Activity.ON_CALL, call_id=event.linkedid)
        rang = live_call_of(agent)
        known = rang if rang and rang.leg == event.agent_uniqueid else _call_of(event, None)
        await put_live_call(session, agent, known.changed(state=CallState.TALKING))
    await _end_ringing(session, event.linkedid)


async def on_agent_ring_no_answer(event: AgentRingNoAnswer, session: AsyncSession) -> None:
    agent = find_agent(session, event.member_name)
    if agent is not None and agent.activity == Activity.RINGING:
        await agents.record_activity(session, agent, Activity.IDLE)
        await on_missed_call(session, agent, pbx=event.uniqueid.partition("-")[0])


async def on_queue_caller_abandon(event: QueueCallerAbandon, session: AsyncSession) -> None:
    """The caller hung up: whoever's phone rang for them is idle again (app_queue sends no event per agent)."""
    await on_queue_caller_leave(event, session)
    await _end_ringing(session, event.linkedid)


async def on_agent_complete(event: AgentComplete, session: AsyncSession) -> None:
    """The conversation is over: wrap-up, as long as app_queue keeps calls away: by the queue they came from.

    In a conference the caller may leave before the agent, and after one app_queue tells the agent's end when the caller
    goes, maybe when the agent talks with somebody else: then only the agent's own leg counts (:func:`on_hangup`).
    """
    agent = find_agent(session, event.member_name)
    if agent is None or _talks_on_another_leg(agent, event.agent_uniqueid):
        return
    call = live_call_of(agent)
    if call is not None and call.state == CallState.CONFERENCE:
        return
    seconds = _batch_of(session).wrap_up_seconds.get(event.queue, 0)
    activity = Activity.WRAP_UP if seconds else Activity.IDLE
    await agents.record_activity(session, agent, activity, wrap_up_seconds=seconds)


async def on_hangup(event: Hangup, session: AsyncSession) -> None:
    """The agent's telephone is free again: what no queue tells of, or tells late, ends here."""
    agent = next((one for one in _batch_of(session).agents.values() if is_on_leg(one, event.uniqueid)), None)
    call = live_call_of(agent) if agent else None
    if agent is None or call is None or agent.activity not in _IN_CALL:
        return
    seconds = 0
    if call.queue is not None and agent.activity == Activity.ON_CALL:
        seconds = _batch_of(session).wrap_up_seconds.get(call.queue, 0)
    activity = Activity.WRAP_UP if seconds else Activity.IDLE
    await agents.record_activity(session, agent, activity, wrap_up_seconds=seconds)


async def on_contact_status(event: ContactStatus, session: AsyncSession) -> None:
    """A seat's telephone came or went."""
    await telephones.record_registration(session, event.aor, event.contact_status not in _GONE, now())


async def correct_live(
    session: AsyncSession,
    pbx: str,
    entries: list[QueueEntry],
    members: list[QueueMember],
    contacts: set[str],
    *,
    channels: Sequence[LiveChannel] = (),
) -> None:
    """After a (re)connect: what the snapshot says replaces what missed events left behind.

    On a call is who talks to a caller of a queue, or whose telephone is in a call (``channels``).
    """
    await correct_waiting(session, pbx, entries)
    await telephones.record_registrations(session, contacts, now())
    busy = {member.member_name for member in members if member.in_call}
    ringing = {member.member_name for member in members if member.device_status in _RINGING}
    for agent in await agent_queries.list_agents(session, lock=True):
        name = agents.member_name(agent)
        own = [one for one in channels if agent.seat_name and one.seat == agent.seat_name]
        leg = next((one for one in own if _is_in_call(one)), None)
        rings = next((one for one in own if one.state == "Ringing"), None)
        await _correct_activity(session, agent, busy=name in busy, ringing=name in ringing, leg=leg, rings=rings)
    seen = {member.queue for member in members} | {entry.queue for entry in entries}
    await announce(session, TOPIC, {main_queue(queue, "") for queue in seen} - {""})


async def correct_waiting(session: AsyncSession, pbx: str, entries: Iterable[QueueEntry]) -> None:
    """Who waits, and with what priority, is what Asterisk says.

    The rows do not tell the queue of ours behind a personal queue: such a caller keeps the one of the joining, and
    one whose joining was missed is on the board some seconds later, in the queue itself.
    """
    await queries.lock_waiting(session)
    at = now()
    present = {entry.uniqueid: entry for entry in entries}
    rows: list[dict[str, object]] = [
        {
            "uniqueid": entry.uniqueid,
            "queue_name": main_queue(entry.queue, ""),
            "pbx": pbx,
            "caller_number": entry.caller_number,
            "priority": entry.priority,
            "joined_at": at - timedelta(seconds=entry.wait_seconds),
        }
        for entry in present.values()
        if not is_personal(entry.queue)
    ]
    if rows:
        await queries.put_waiting(session, rows)
    await queries.remove_waiting_except(session, pbx, set(present))


async def _correct_activity(
    session: AsyncSession,
    agent: Agent,
    *,
    busy: bool,
    ringing: bool,
    leg: LiveChannel | None,
    rings: LiveChannel | None,
) -> None:
    call = live_call_of(agent)
    on_call = busy or leg is not None
    if on_call and agent.activity != Activity.ON_CALL:
        await agents.record_activity(session, agent, Activity.ON_CALL, call_id=leg.linkedid if leg else None)
    elif not on_call and (
        agent.activity == Activity.ON_CALL or (agent.activity == Activity.RINGING and not ringing and rings is None)
    ):
        await agents.record_activity(session, agent, Activity.IDLE)
    if leg is not None and (call is None or call.leg != leg.uniqueid or call.state == CallState.RINGING):
        same = call if call and call.leg == leg.uniqueid else _call_of_channel(leg)
        await put_live_call(session, agent, same.changed(state=CallState.TALKING))
    elif call is not None and agent.activity not in _IN_CALL:
        await put_live_call(session, agent, None)


def _is_in_call(channel: LiveChannel) -> bool:
    return channel.state == "Up" and channel.application in _LEGS_OF_CALLS


def _call_of_channel(channel: LiveChannel) -> LiveCall:
    direction = Direction.INBOUND if channel.application.startswith("App") else Direction.OUTBOUND
    return new_call(channel.uniqueid, channel.linkedid, direction, CallState.TALKING)


def _call_of(event: AgentCalled | AgentConnect, caller_number: str | None) -> LiveCall:
    queue = main_queue(event.queue, event.wanted_queue) or None
    peer = masked(caller_number) if caller_number else None
    return new_call(
        event.agent_uniqueid, event.linkedid, Direction.INBOUND, CallState.RINGING, queue=queue, peer_masked=peer
    )


def _talks_on_another_leg(agent: Agent, leg: str) -> bool:
    call = live_call_of(agent)
    return call is not None and call.leg != leg


def seat_of_event(event: UserEvent) -> str | None:
    """Whom the dialplan means."""
    return event.seat or seat_of_channel(event.channel)


async def _end_ringing(session: AsyncSession, call_id: str) -> None:
    for agent in _batch_of(session).agents.values():
        if agent.activity == Activity.RINGING and agent.activity_call_id == call_id:
            await agents.record_activity(session, agent, Activity.IDLE)


def find_agent_at(session: AsyncSession, seat: str | None) -> Agent | None:
    """Who sits there, of the agents whom the events of this batch concern."""
    return next((agent for agent in _batch_of(session).agents.values() if seat and agent.seat_name == seat), None)


def find_agent(session: AsyncSession, member_name: str) -> Agent | None:
    """The agent behind a member's name, of those whom the events of this batch concern."""
    number = agents.number_of_member(member_name)
    agent = _batch_of(session).agents.get(number) if number else None
    if agent is None:
        log.warning("event_of_unknown_member", member=member_name)
    return agent


HANDLERS: Mapping[type[Event], Handler] = {
    QueueCallerJoin: on_queue_caller_join,
    QueueCallerLeave: on_queue_caller_leave,
    QueueCallerAbandon: on_queue_caller_abandon,
    AgentCalled: on_agent_called,
    AgentConnect: on_agent_connect,
    AgentRingNoAnswer: on_agent_ring_no_answer,
    AgentComplete: on_agent_complete,
    Hangup: on_hangup,
    ContactStatus: on_contact_status,
}
