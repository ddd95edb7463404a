"""SQL of calls that agents make and steer."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Seat
from callcenter.calls.models import Call, CallLink
from callcenter.desk.dial_models import AgentDial
from callcenter.queues.models import Did


async def find_dial(session: AsyncSession, dial_id: str) -> AgentDial | None:
    return await session.get(AgentDial, dial_id)


async def lock_dial(session: AsyncSession, dial_id: str, *, since: datetime) -> AgentDial | None:
    """The dial, locked, if it was asked for at ``since`` or later."""
    query = select(AgentDial).where(AgentDial.id == dial_id, AgentDial.requested_at >= since)
    return (await session.scalars(query.with_for_update())).one_or_none()


async def find_call(session: AsyncSession, linkedid: str) -> Call | None:
    """The record as far as it is written."""
    query = select(Call).join(CallLink, CallLink.call_id == Call.id).where(CallLink.linkedid == linkedid)
    return (await session.scalars(query)).first()


async def find_caller_number(session: AsyncSession, linkedid: str) -> str | None:
    call = await find_call(session, linkedid)
    return call.caller_number if call else None


async def is_registered(session: AsyncSession, seat_name: str) -> bool:
    return bool(await session.scalar(select(Seat.registered).where(Seat.name == seat_name)))


async def find_fallback_queue(session: AsyncSession) -> str:
    """Where callers go of whom nothing is known: the queue behind the first of our numbers."""
    return await session.scalar(select(Did.fallback_queue).order_by(Did.number).limit(1)) or ""
