"""An agent's history as it is stored, and the durations that follow from it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.durations import Durations, StateSpan, sum_up, tell_spans
from callcenter.agents.models import AgentStateChange
from callcenter.agents.watch_spans import list_watched
from callcenter.core.clock import now

_of = AgentStateChange


async def list_state_spans(
    session: AsyncSession, agent_id: UUID, start: datetime, end: datetime, *, pbx: str
) -> list[StateSpan]:
    """The agent's time at work from ``start`` until before ``end``, or the present if that is earlier; in order."""
    present = now()
    end = min(end, present)
    if end <= start:
        return []
    changes = await load_changes(session, agent_id, start, end)
    watched = await list_watched(session, pbx, start, end, at=present)
    return list(tell_spans(changes, start, end, watched))


async def get_durations(
    session: AsyncSession, agent_id: UUID, start: datetime, end: datetime, *, pbx: str
) -> Durations:
    """How long the agent was in which state from ``start`` until before ``end``, or the present."""
    return sum_up(await list_state_spans(session, agent_id, start, end, pbx=pbx))


async def load_changes(
    session: AsyncSession, agent_id: UUID, start: datetime, end: datetime
) -> Sequence[AgentStateChange]:
    """The changes from ``start`` until before ``end``, by sequence, with the last one before them.

    Between them may lie some with another time: a wrap-up that was ended late has the time at which it was over.
    """
    own = _of.agent_id == agent_id
    by_time = select(_of.sequence).where(own).order_by(_of.at, _of.sequence).limit(1)
    first = await session.scalar(by_time.where(_of.at >= start, _of.at < end))
    after = await session.scalar(by_time.where(_of.at >= end))
    before = select(func.max(_of.sequence)).where(own, _of.at < start)
    bounds = [bound for bound in (first, after) if bound is not None]
    if bounds:
        before = before.where(_of.sequence < min(bounds))
    base = await session.scalar(before)
    begin = base if base is not None else first
    if begin is None:
        return []
    rows = select(_of).where(own, _of.sequence >= begin)
    if after is not None:
        rows = rows.where(_of.sequence < after)
    return (await session.scalars(rows.order_by(_of.sequence))).all()
