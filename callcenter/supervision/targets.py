"""Whose call, caller or agent a supervisor means, and whether they may steer it."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents.errors import SeatNotFound, SeatTaken
from callcenter.agents.live_calls import CallState, LiveCall, live_call_of
from callcenter.agents.models import Agent, Seat, Wanted
from callcenter.calls.errors import CallNotFound
from callcenter.queues.models import QueueMembership, WaitingCaller
from callcenter.supervision.board import Scope
from callcenter.supervision.errors import (
    AgentNotOnCall,
    CallerNotWaiting,
    CallNotKnownYet,
    CallOver,
    NoSeat,
    OutsideScope,
    SeatNotRegistered,
)

# a call by one of its linkedids; a day is longer than any call
_CALL = text("""
    SELECT c.id, c.state, c.queue_name, c.agent_number, c.about_agent_number, d.fallback_queue
    FROM call_links AS l
    JOIN calls_by_month AS c ON c.id = l.call_id AND c.started_at > now() - interval '1 day'
    LEFT JOIN dids AS d ON d.number = c.dialled_number
    WHERE l.linkedid = :linkedid
""")
_LINKS = text("SELECT linkedid FROM call_links WHERE call_id = :call_id ORDER BY linkedid")


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call as the ledger tells it. ``fallback_queue``: of the number that was dialled."""

    id: str
    state: str
    queue_name: str | None
    agent_number: str | None
    about_agent_number: str | None
    fallback_queue: str | None


def scope_of(access: Access) -> Scope:
    """The queues that somebody may see and steer; None: all."""
    return None if Role.ADMIN in access.roles or not access.queue_scope else access.queue_scope


def require_queue(access: Access, queue_name: str) -> None:
    """Raises OutsideScope."""
    if not access.covers_queue(queue_name):
        raise OutsideScope(queue=queue_name)


async def require_agent(session: AsyncSession, access: Access, agent: Agent) -> None:
    """An agent is steered by the supervisors of each of their queues. Raises OutsideScope."""
    scope = scope_of(access)
    if scope is not None and scope.isdisjoint(await list_queues_of(session, agent)):
        raise OutsideScope(agent=agent.number)


async def list_queues_of(session: AsyncSession, agent: Agent) -> list[str]:
    query = select(QueueMembership.queue_name).where(QueueMembership.agent_id == agent.id)
    return list(await session.scalars(query.order_by(QueueMembership.queue_name)))


async def get_conversation(session: AsyncSession, access: Access, agent: Agent) -> LiveCall:
    """What the agent talks in now. Raises AgentNotOnCall, OutsideScope (of the caller's queue), CallNotKnownYet."""
    call = live_call_of(agent)
    if call is None or call.state in (CallState.RINGING, CallState.ENDED):
        raise AgentNotOnCall(agent=agent.number)
    if scope_of(access) is None:
        return call
    if call.queue is not None:
        require_queue(access, call.queue)
        return call
    known = await find_call(session, call.call_id)
    if known is None:
        raise CallNotKnownYet(call_id=call.call_id)
    if known.queue_name is not None:
        require_queue(access, known.queue_name)
    else:
        await require_agent(session, access, agent)
    return call


async def find_call(session: AsyncSession, linkedid: str) -> KnownCall | None:
    row = (await session.execute(_CALL, {"linkedid": linkedid})).first()
    return KnownCall(**row._mapping) if row else None


async def get_open_call(session: AsyncSession, access: Access, call_id: str) -> KnownCall:
    """A call that goes on. Raises CallNotFound, CallOver, OutsideScope.

    It is steered by whoever steers its queue; without one, by whoever steers its agent, else the queue that the dialled
    number falls back to.
    """
    call = await find_call(session, call_id)
    if call is None:
        raise CallNotFound(call_id=call_id)
    if call.queue_name is None and call.agent_number is not None:
        await require_agent(session, access, await agents.get_agent(session, call.agent_number))
    elif scope_of(access) is not None and not access.covers_queue(call.queue_name or call.fallback_queue or ""):
        raise OutsideScope(call_id=call_id)
    if call.state != "open":
        raise CallOver(call_id=call_id)
    return call


async def list_linkedids(session: AsyncSession, call_id: str) -> list[str]:
    """Of an open call, all of them."""
    return list(await session.scalars(_LINKS, {"call_id": call_id}))


async def get_waiting(session: AsyncSession, access: Access, uniqueid: str) -> WaitingCaller:
    """Who waits now. Raises CallerNotWaiting, OutsideScope."""
    caller = await session.get(WaitingCaller, uniqueid, with_for_update=True)
    if caller is None:
        raise CallerNotWaiting(uniqueid=uniqueid)
    require_queue(access, caller.queue_name)
    return caller


async def get_own_seat(session: AsyncSession, access: Access, wanted: str | None) -> str:
    """The seat whose telephone rings for the supervisor: ``wanted``, if nobody else sits there, or where they sit.

    Raises NoSeat, SeatNotFound, SeatTaken, SeatNotRegistered.
    """
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    seat_name = wanted or (agent.seat_name if agent and agent.wanted != Wanted.LOGGED_OUT else None)
    if seat_name is None:
        raise NoSeat
    sitting = await agent_queries.find_agent_at(session, seat_name)
    if sitting is not None and (agent is None or sitting.id != agent.id):
        raise SeatTaken(seat=seat_name)
    seat = await session.get(Seat, seat_name)
    if seat is None:
        raise SeatNotFound(seat=seat_name)
    if not seat.registered:
        raise SeatNotRegistered(seat=seat_name)
    return seat_name
