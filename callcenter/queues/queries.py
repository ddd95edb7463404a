"""All SQL of queues, memberships, numbers and the live list of waiting callers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Agent, Wanted
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.queues.models import Did, Queue, QueueMembership, WaitingCaller


async def list_queues(session: AsyncSession, *, active_only: bool = False) -> Sequence[Queue]:
    query = select(Queue).order_by(Queue.name)
    return (await session.scalars(query.where(Queue.active) if active_only else query)).all()


async def lock_queue(session: AsyncSession, name: str) -> Queue | None:
    """The queue as it is until the end of this transaction (FOR SHARE)."""
    query = select(Queue).where(Queue.name == name).with_for_update(read=True)
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


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


async def insert_waiting(session: AsyncSession, caller: dict[str, object]) -> None:
    """A caller who joined: who stood at that position or behind it stands one further back (app_queue's order)."""
    await remove_waiting(session, str(caller["uniqueid"]))  # a leave that was missed, or the same event again
    await _shift_waiting(session, caller["queue_name"], caller["position"], +1)
    await session.execute(insert(WaitingCaller).values(**caller))


async def put_waiting(session: AsyncSession, caller: dict[str, object]) -> None:
    """A caller as a snapshot shows them: all positions of the queue come from it."""
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
    """A caller who left: who stood behind moves up."""
    gone = await session.execute(
        delete(WaitingCaller)
        .where(WaitingCaller.uniqueid == uniqueid)
        .returning(WaitingCaller.queue_name, WaitingCaller.position)
    )
    for queue_name, position in gone.all():
        await _shift_waiting(session, queue_name, position, -1)


async def _shift_waiting(session: AsyncSession, queue_name: object, position: object, by: int) -> None:
    await session.execute(
        update(WaitingCaller)
        .where(WaitingCaller.queue_name == queue_name, WaitingCaller.position >= position)
        .values(position=WaitingCaller.position + by)
        .execution_options(synchronize_session=False)
    )


async def remove_waiting_except(session: AsyncSession, pbx: str, uniqueids: set[str]) -> None:
    await session.execute(
        delete(WaitingCaller).where(WaitingCaller.pbx == pbx, WaitingCaller.uniqueid.not_in(uniqueids))
    )


async def list_waiting(session: AsyncSession, queue_name: str) -> Sequence[WaitingCaller]:
    """In the order in which they will be served: app_queue's, which is by priority."""
    query = (
        select(WaitingCaller)
        .where(WaitingCaller.queue_name == queue_name)
        .order_by(WaitingCaller.position, WaitingCaller.joined_at)
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
