"""Agents are signed into a queue or out of it, for good or for today."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import service as agents
from callcenter.agents.models import Agent
from callcenter.core.bus import announce
from callcenter.queues import service as queues
from callcenter.queues.models import QueueMembership
from callcenter.supervision.board_keeper import TOPIC
from callcenter.supervision.models import DayMembership


async def set_member(
    session: AsyncSession,
    agent: Agent,
    queue_name: str,
    penalty: int | None,
    *,
    until_at: datetime | None,
    pbx: str,
    actor_name: str,
) -> None:
    """The agent serves the queue with this penalty from now on, or not (None); until ``until_at`` or for good (None).

    The agent's row is locked by the caller. Raises QueueNotFound.
    """
    await queues.get_queue(session, queue_name)
    present = await _find_penalty(session, agent, queue_name)
    kept = await session.get(DayMembership, (agent.id, queue_name), with_for_update=True)
    before = kept.penalty_before if kept is not None and kept.penalty == present else present
    if kept is not None:
        await session.delete(kept)
        await session.flush()
    if until_at is not None and penalty != before:
        session.add(
            DayMembership(
                agent_id=agent.id,
                queue_name=queue_name,
                penalty_before=before,
                penalty=penalty,
                until_at=until_at,
                changed_by=actor_name,
            )
        )
    await _apply(session, agent, queue_name, present, penalty, pbx=pbx, cause=actor_name)


async def end_day_memberships(session: AsyncSession, pbx: str, at: datetime) -> int:
    """Periodic: what was for a day is as before again, unless somebody else changed it meanwhile. Returns how many."""
    over = select(DayMembership).where(DayMembership.until_at <= at).order_by(DayMembership.agent_id)
    rows = (await session.scalars(over.with_for_update(skip_locked=True))).all()
    for row in rows:
        agent = await session.get_one(Agent, row.agent_id)
        agent = await agents.get_agent(session, agent.number, lock=True)
        present = await _find_penalty(session, agent, row.queue_name)
        if present == row.penalty:
            await _apply(session, agent, row.queue_name, present, row.penalty_before, pbx=pbx, cause="day over")
        await session.delete(row)
    return len(rows)


async def _apply(
    session: AsyncSession,
    agent: Agent,
    queue_name: str,
    present: int | None,
    penalty: int | None,
    *,
    pbx: str,
    cause: str,
) -> None:
    if penalty == present:
        return
    if penalty is None:
        await queues.remove_membership(session, agent, queue_name, pbx=pbx, cause=cause)
    else:
        await queues.set_membership(session, agent, queue_name, penalty, pbx=pbx, cause=cause)
    await announce(session, TOPIC, [queue_name])


async def _find_penalty(session: AsyncSession, agent: Agent, queue_name: str) -> int | None:
    query = select(QueueMembership.penalty).where(
        QueueMembership.agent_id == agent.id, QueueMembership.queue_name == queue_name
    )
    return await session.scalar(query)
