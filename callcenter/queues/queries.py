"""All SQL of queues, memberships, numbers and the live list of waiting callers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Agent, Wanted
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.queues.models import Did, Queue, QueueMembership, WaitingCaller


async def list_queues(session: AsyncSession, *, active_only: bool = False) -> Sequence[Queue]:
    query = select(Queue).order_by(Queue.name)
    return (await session.scalars(query.where(Queue.active) if active_only else query)).all()


async def has_open_commands(session: AsyncSession, pbx: str) -> bool:
    query = select(PbxCommand.id).where(
        PbxCommand.pbx == pbx, PbxCommand.state.in_((CommandState.PENDING, CommandState.SENT))
    )
    return (await session.scalars(query.limit(1))).first() is not None


async def list_dids(session: AsyncSession) -> Sequence[Did]:
    return (await session.scalars(select(Did).order_by(Did.number))).all()


async def list_memberships(session: AsyncSession, agent_id: UUID) -> Sequence[QueueMembership]:
    """An agent's places in active queues."""
    query = (
        select(QueueMembership)
        .join(Queue, Queue.name == QueueMembership.queue_name)
        .where(QueueMembership.agent_id == agent_id, Queue.active)
        .order_by(QueueMembership.queue_name)
    )
    return (await session.scalars(query)).all()


async def list_seated_memberships(session: AsyncSession) -> Sequence[tuple[QueueMembership, Agent]]:
    """Every place of every agent who sits somewhere: what Asterisk's members should be."""
    query = (
        select(QueueMembership, Agent)
        .join(Agent, Agent.id == QueueMembership.agent_id)
        .join(Queue, Queue.name == QueueMembership.queue_name)
        .where(Agent.wanted != Wanted.LOGGED_OUT, Agent.seat_name.is_not(None), Queue.active)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def put_membership(session: AsyncSession, queue_name: str, agent_id: UUID, penalty: int) -> None:
    new = insert(QueueMembership).values(queue_name=queue_name, agent_id=agent_id, penalty=penalty)
    await session.execute(
        new.on_conflict_do_update(index_elements=["queue_name", "agent_id"], set_={"penalty": new.excluded.penalty})
    )


async def remove_membership(session: AsyncSession, queue_name: str, agent_id: UUID) -> bool:
    gone = await session.execute(
        delete(QueueMembership)
        .where(QueueMembership.queue_name == queue_name, QueueMembership.agent_id == agent_id)
        .returning(QueueMembership.agent_id)
    )
    return gone.first() is not None


async def put_waiting(session: AsyncSession, caller: dict[str, object]) -> None:
    new = insert(WaitingCaller).values(**caller)
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["uniqueid"],
            set_={
                "queue_name": new.excluded.queue_name,
                "position": new.excluded.position,
                "priority": new.excluded.priority,
            },
        )
    )


async def remove_waiting(session: AsyncSession, uniqueid: str) -> None:
    await session.execute(delete(WaitingCaller).where(WaitingCaller.uniqueid == uniqueid))


async def remove_waiting_except(session: AsyncSession, pbx: str, uniqueids: set[str]) -> None:
    await session.execute(
        delete(WaitingCaller).where(WaitingCaller.pbx == pbx, WaitingCaller.uniqueid.not_in(uniqueids))
    )


async def list_waiting(session: AsyncSession, queue_name: str) -> Sequence[WaitingCaller]:
    """In the order in which they will be served."""
    query = (
        select(WaitingCaller)
        .where(WaitingCaller.queue_name == queue_name)
        .order_by(WaitingCaller.priority.desc(), WaitingCaller.joined_at)
    )
    return (await session.scalars(query)).all()


async def list_members(session: AsyncSession, queue_name: str) -> Sequence[tuple[QueueMembership, Agent]]:
    query = (
        select(QueueMembership, Agent)
        .join(Agent, Agent.id == QueueMembership.agent_id)
        .where(QueueMembership.queue_name == queue_name)
        .order_by(QueueMembership.penalty, Agent.number)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
