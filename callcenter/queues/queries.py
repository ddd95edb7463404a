"""All SQL of queues, memberships, numbers and the live list of waiting callers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.agents.models import Activity, Agent, AgentSkill, Seat, Wanted
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.asterisk.queue_names import is_personal, main_queue, personal_queue
from callcenter.core.conditions import none_of, one_of
from callcenter.queues.models import Did, Queue, QueueMembership, WaitingCaller
from callcenter.queues.places import Place, penalty_of


async def list_queues(session: AsyncSession, *, active_only: bool = False) -> Sequence[Queue]:
    query = select(Queue).order_by(Queue.name)
    return (await session.scalars(query.where(Queue.active) if active_only else query)).all()


async def lock_queues(session: AsyncSession) -> Sequence[Queue]:
    """All queues, until the end of this transaction: two changes of the overflow chains follow one another."""
    query = select(Queue).order_by(Queue.name).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).all()


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


async def list_seated_agents(session: AsyncSession) -> Sequence[Agent]:
    """Every agent who sits somewhere."""
    query = select(Agent).where(Agent.wanted != Wanted.LOGGED_OUT, Agent.seat_name.is_not(None))
    return (await session.scalars(query)).all()


async def list_places(session: AsyncSession, agent_id: UUID | None = None) -> Sequence[tuple[UUID, Place]]:
    """The places of all agents in active queues, or of one."""
    its_skill = and_(AgentSkill.agent_id == QueueMembership.agent_id, AgentSkill.skill == Queue.skill)
    query = (
        select(QueueMembership, Queue, AgentSkill.level)
        .join(Queue, Queue.name == QueueMembership.queue_name)
        .outerjoin(AgentSkill, its_skill)
        .where(Queue.active)
        .order_by(QueueMembership.queue_name)
    )
    if agent_id is not None:
        query = query.where(QueueMembership.agent_id == agent_id)
    return [
        (
            membership.agent_id,
            Place(
                queue.name,
                penalty_of(membership.penalty, level or 0) if queue.skill else membership.penalty,
                excludes_complained_agent=queue.excludes_complained_agent,
                last_agent_first=queue.last_agent_first,
            ),
        )
        for membership, queue, level in (await session.execute(query)).all()
    ]


async def list_free_members(session: AsyncSession, queue_name: str, *, besides: Collection[str]) -> set[str]:
    """Numbers of the queue's agents who do nothing, and for whom nobody waits in any of their queues.

    ``besides``: who waits with these unique ids does not count.
    """
    own = aliased(QueueMembership)
    waiting = (
        exists()
        .where(WaitingCaller.queue_name == own.queue_name, own.agent_id == Agent.id)
        .where(none_of(WaitingCaller.uniqueid, besides))
    )
    query = (
        select(Agent.number)
        .join(QueueMembership, QueueMembership.agent_id == Agent.id)
        .join(Seat, Seat.name == Agent.seat_name)
        .where(
            QueueMembership.queue_name == queue_name,
            Agent.wanted == Wanted.AVAILABLE,
            Agent.activity == Activity.IDLE,
            Seat.registered,
            ~waiting,
        )
    )
    return set(await session.scalars(query))


async def find_free_member(session: AsyncSession, queue_name: str, agent_number: str) -> Agent | None:
    """This agent, if a member of the queue, available, and doing nothing (as the live events say)."""
    query = (
        select(Agent)
        .join(QueueMembership, QueueMembership.agent_id == Agent.id)
        .where(
            Agent.number == agent_number,
            QueueMembership.queue_name == queue_name,
            Agent.wanted == Wanted.AVAILABLE,
            Agent.activity == Activity.IDLE,
            Agent.seat_name.is_not(None),
        )
    )
    return (await session.scalars(query)).one_or_none()


async def list_member_numbers(session: AsyncSession) -> dict[str, list[str]]:
    """Queue to the numbers of its members, in order."""
    query = (
        select(QueueMembership.queue_name, func.array_agg(aggregate_order_by(Agent.number, Agent.number)))
        .join(Agent, Agent.id == QueueMembership.agent_id)
        .group_by(QueueMembership.queue_name)
    )
    return {row[0]: list(row[1]) for row in (await session.execute(query)).all()}


async def get_wrap_ups(session: AsyncSession, app_queues: Collection[str]) -> dict[str, int]:
    """Asterisk's name of a queue to its seconds of wrap-up; one that is not ours is left out."""
    ours = {app_queue: main_queue(app_queue, "") for app_queue in app_queues if not is_personal(app_queue)}
    query = select(Queue.name, Queue.wrap_up_seconds).where(one_of(Queue.name, ours.values()))
    seconds = {row[0]: row[1] for row in await session.execute(query)} if ours else {}
    if len(ours) < len(app_queues):
        personal = await list_personal_wrap_ups(session)
        seconds |= {personal_queue(number): wrap_up_seconds for number, wrap_up_seconds in personal}
    return {one: seconds[name] for one in app_queues if (name := ours.get(one, one)) in seconds}


async def list_personal_wrap_ups(session: AsyncSession) -> Sequence[tuple[str, int]]:
    """Agents that have a personal queue, with its seconds of wrap-up: the longest of the queues it stands for."""
    query = (
        select(Agent.number, func.max(Queue.wrap_up_seconds))
        .join(QueueMembership, QueueMembership.agent_id == Agent.id)
        .join(Queue, Queue.name == QueueMembership.queue_name)
        .where(Queue.active, Queue.last_agent_first)
        .group_by(Agent.number)
        .order_by(Agent.number)
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


async def put_waiting(session: AsyncSession, callers: Sequence[Mapping[str, object]]) -> None:
    """Callers who wait. One who is there already keeps the time of joining, unless it is another queue now."""
    new = insert(WaitingCaller)
    stayed = WaitingCaller.queue_name == new.excluded.queue_name
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["uniqueid"],
            set_={
                "queue_name": new.excluded.queue_name,
                "priority": new.excluded.priority,
                "joined_at": case((stayed, WaitingCaller.joined_at), else_=new.excluded.joined_at),
            },
        ),
        sorted(map(dict, callers), key=lambda caller: str(caller["uniqueid"])),
    )


async def lock_waiting(session: AsyncSession) -> None:
    """Nobody else changes who waits until the end of this transaction.

    First of all in it: an event and a snapshot take the same rows in different orders, which was a deadlock a minute.
    """
    await session.execute(text("LOCK TABLE waiting_callers IN SHARE ROW EXCLUSIVE MODE"))


async def remove_waiting(session: AsyncSession, uniqueids: Collection[str]) -> None:
    await session.execute(delete(WaitingCaller).where(one_of(WaitingCaller.uniqueid, uniqueids)))


async def remove_waiting_except(session: AsyncSession, pbx: str, uniqueids: set[str]) -> None:
    await session.execute(
        delete(WaitingCaller).where(WaitingCaller.pbx == pbx, none_of(WaitingCaller.uniqueid, uniqueids))
    )


async def find_waiting(session: AsyncSession, uniqueids: Collection[str]) -> WaitingCaller | None:
    """One of these channels, if it waits now; by the primary key."""
    query = select(WaitingCaller).where(one_of(WaitingCaller.uniqueid, uniqueids))
    return (await session.scalars(query.order_by(WaitingCaller.joined_at.desc()).limit(1))).first()


async def list_joined(session: AsyncSession, uniqueids: Collection[str]) -> Mapping[str, datetime]:
    """Since when each of these channels waits, of those that do."""
    query = select(WaitingCaller.uniqueid, WaitingCaller.joined_at).where(one_of(WaitingCaller.uniqueid, uniqueids))
    return {row.uniqueid: row.joined_at for row in await session.execute(query)}


async def list_waiting(session: AsyncSession, queue_name: str) -> Sequence[WaitingCaller]:
    """In the order in which they will be served: app_queue's, by priority and then by time."""
    query = (
        select(WaitingCaller)
        .where(WaitingCaller.queue_name == queue_name)
        .order_by(WaitingCaller.priority.desc(), WaitingCaller.joined_at, WaitingCaller.uniqueid)
    )
    return (await session.scalars(query)).all()


async def find_missed_calls_limit(session: AsyncSession, agent_id: UUID) -> int | None:
    """The least of those of the agent's queues that have one."""
    return await session.scalar(
        select(func.min(Queue.max_missed_calls))
        .join(QueueMembership, QueueMembership.queue_name == Queue.name)
        .where(QueueMembership.agent_id == agent_id, Queue.active, Queue.max_missed_calls > 0)
    )


async def count_waiting(session: AsyncSession) -> Sequence[tuple[str, int, datetime]]:
    """Queues in which somebody waits: how many, and since when the first of them."""
    query = select(WaitingCaller.queue_name, func.count(), func.min(WaitingCaller.joined_at))
    return [(row[0], row[1], row[2]) for row in await session.execute(query.group_by(WaitingCaller.queue_name))]


async def list_queues_of(session: AsyncSession, agent_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Agent to the active queues they serve, in order; an agent who serves none is left out."""
    query = (
        select(QueueMembership.agent_id, func.array_agg(aggregate_order_by(Queue.name, Queue.name)))
        .join(Queue, Queue.name == QueueMembership.queue_name)
        .where(QueueMembership.agent_id.in_(agent_ids), Queue.active)
        .group_by(QueueMembership.agent_id)
    )
    return {row[0]: list(row[1]) for row in await session.execute(query)}


async def list_members(session: AsyncSession, queue_name: str) -> Sequence[tuple[QueueMembership, Agent]]:
    query = (
        select(QueueMembership, Agent)
        .join(Agent, Agent.id == QueueMembership.agent_id)
        .where(QueueMembership.queue_name == queue_name)
        .order_by(QueueMembership.penalty, Agent.number)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
