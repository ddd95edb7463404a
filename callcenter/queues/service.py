"""Queues and who serves them: the database is the truth, Asterisk's members follow it.

A change of an agent's state is committed together with the PBX commands that carry it out;
:func:`plan_corrections` finds what an outage made differ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents.errors import SkillNotFound
from callcenter.agents.models import Agent, Cause, SeatKind, Skill, Wanted
from callcenter.asterisk.commands import (
    Command,
    QueueAdd,
    QueuePause,
    QueueRemove,
    RemovePhoneCredential,
    Render,
    request_command,
    seat_of,
)
from callcenter.asterisk.events import QueueMember
from callcenter.asterisk.queue_names import main_queue
from callcenter.asterisk.render import DidConf, PbxConfiguration, PersonalQueueConf, QueueConf, SeatConf
from callcenter.calendar.errors import UnknownSchedule
from callcenter.calendar.models import Schedule
from callcenter.core.bus import announce
from callcenter.core.clock import CLOCK_TOLERANCE
from callcenter.queues import queries
from callcenter.queues.errors import OverflowCycle, QueueInUse, QueueNotFound
from callcenter.queues.models import Did, Queue, WaitingCaller
from callcenter.queues.overflow import overflow_chain
from callcenter.queues.places import Place, app_places

TOPIC = "queues"
MEMBERS_TOPIC = "queue_members"
"""Announced with names of queues: who serves them has changed, or whether they are in use."""


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """One place of one seat in one queue of Asterisk."""

    queue: str
    seat: str
    member_name: str
    penalty: int
    paused: bool


# -- agents' states, carried out


async def log_in(session: AsyncSession, agent: Agent, seat: str, *, pbx: str, cause: Cause, actor_name: str) -> None:
    """The agent sits down at ``seat``, paused, and joins their queues. Raises SeatNotFound, SeatTaken."""
    left = await agents.log_in(session, agent, seat, cause=cause, actor_name=actor_name)
    if left:
        await _leave_seat(session, agent, left, pbx=pbx, cause=actor_name)
    await _join_queues(session, agent, pbx=pbx, cause=actor_name)


async def log_out(session: AsyncSession, agent: Agent, *, pbx: str, cause: Cause, actor_name: str) -> None:
    """The agent leaves all queues; a call in progress goes on."""
    left = await agents.log_out(session, agent, cause=cause, actor_name=actor_name)
    if left:
        await _leave_seat(session, agent, left, pbx=pbx, cause=actor_name)


async def set_available(session: AsyncSession, agent: Agent, *, pbx: str, cause: Cause, actor_name: str) -> None:
    """Calls may come. Raises NotLoggedIn."""
    await agents.set_available(session, agent, cause=cause, actor_name=actor_name)
    await _push_pause(session, agent, pbx=pbx, cause=actor_name)


async def pause(session: AsyncSession, agent: Agent, reason: str, *, pbx: str, cause: Cause, actor_name: str) -> None:
    """No new calls. Raises NotLoggedIn, UnknownPauseReason."""
    await agents.pause(session, agent, reason, cause=cause, actor_name=actor_name)
    await _push_pause(session, agent, pbx=pbx, cause=actor_name)


async def end_wrap_up(session: AsyncSession, agent: Agent, *, pbx: str, cause: Cause, actor_name: str) -> None:
    """Calls may come again at once. Raises NotInWrapUp.

    app_queue forgets when the member's last call ended only by taking the member out. In again right behind it, queue
    by queue: for a moment a queue may have nobody, and who looks just then goes on along its overflow chain.
    """
    await agents.end_wrap_up(session, agent, cause=cause, actor_name=actor_name)
    if agent.seat_name:
        for queue, penalty in await _app_places(session, agent):
            await request_command(session, pbx, QueueRemove(queue=queue, seat=agent.seat_name), cause=actor_name)
            await request_command(session, pbx, _add(_member(queue, agent, penalty)), cause=actor_name)


async def set_membership(
    session: AsyncSession, agent: Agent, queue_name: str, penalty: int, *, pbx: str, cause: str
) -> None:
    """Put an agent into a queue, or change the penalty there; at once if the agent sits. Raises QueueNotFound."""
    await get_queue(session, queue_name)
    await queries.put_membership(session, queue_name, agent.id, penalty)
    await announce(session, MEMBERS_TOPIC, [queue_name])
    await _render_members(session, queue_name, pbx=pbx, cause=cause)
    if agent.seat_name:
        await _leave_queue(session, agent, agent.seat_name, queue_name, pbx=pbx, cause=cause)
        await _join_queues(session, agent, pbx=pbx, cause=cause)


async def remove_membership(session: AsyncSession, agent: Agent, queue_name: str, *, pbx: str, cause: str) -> None:
    """Take an agent out of a queue; a call in progress goes on."""
    if agent.seat_name:
        await _leave_queue(session, agent, agent.seat_name, queue_name, pbx=pbx, cause=cause)
    if await queries.remove_membership(session, queue_name, agent.id):
        await announce(session, MEMBERS_TOPIC, [queue_name])
        await _render_members(session, queue_name, pbx=pbx, cause=cause)


async def _render_members(session: AsyncSession, queue_name: str, *, pbx: str, cause: str) -> None:
    """Queues that Asterisk has for the sake of a member come and go with it; the other members follow by correction."""
    queue = await get_queue(session, queue_name)
    if queue.last_agent_first or queue.excludes_complained_agent:
        await request_command(session, pbx, Render(), cause=cause)


async def _join_queues(session: AsyncSession, agent: Agent, *, pbx: str, cause: str) -> None:
    for queue, penalty in await _app_places(session, agent):
        await request_command(session, pbx, _add(_member(queue, agent, penalty)), cause=cause)


async def _leave_seat(session: AsyncSession, agent: Agent, seat: str, *, pbx: str, cause: str) -> None:
    """A telephone in a page is this agent's alone: the account goes, the call in progress does not."""
    await _leave_queues(session, agent, seat, pbx=pbx, cause=cause)
    if (await agents.get_seat(session, seat)).kind == SeatKind.BROWSER:
        await request_command(session, pbx, RemovePhoneCredential(seat=seat), cause=cause)


async def _leave_queues(session: AsyncSession, agent: Agent, seat: str, *, pbx: str, cause: str) -> None:
    for queue, _penalty in await _app_places(session, agent):
        await request_command(session, pbx, QueueRemove(queue=queue, seat=seat), cause=cause)


async def _leave_queue(
    session: AsyncSession, agent: Agent, seat: str, queue_name: str, *, pbx: str, cause: str
) -> None:
    """One queue of ours and its shadows."""
    for queue, _penalty in await _app_places(session, agent):
        if main_queue(queue, "") == queue_name:
            await request_command(session, pbx, QueueRemove(queue=queue, seat=seat), cause=cause)


async def _app_places(session: AsyncSession, agent: Agent) -> list[tuple[str, int]]:
    """Asterisk's queues in which this agent belongs, with the penalty in each."""
    places = [place for _agent_id, place in await queries.list_places(session, agent.id)]
    return list(app_places(agent.number, places, await queries.list_member_numbers(session)))


async def _push_pause(session: AsyncSession, agent: Agent, *, pbx: str, cause: str) -> None:
    if agent.seat_name:
        paused = agent.wanted != Wanted.AVAILABLE
        command = QueuePause(seat=agent.seat_name, paused=paused, reason=agent.pause_reason if paused else None)
        await request_command(session, pbx, command, cause=cause)


# -- the database's wish and Asterisk's state


async def desired_members(session: AsyncSession) -> set[Member]:
    """What Asterisk's queue members should be now."""
    places: dict[UUID, list[Place]] = {}
    for agent_id, place in await queries.list_places(session):
        places.setdefault(agent_id, []).append(place)
    members = await queries.list_member_numbers(session)
    return {
        _member(queue, agent, penalty)
        for agent in await queries.list_seated_agents(session)
        for queue, penalty in app_places(agent.number, places.get(agent.id, ()), members)
    }


def plan_corrections(desired: Iterable[Member], actual: Iterable[Member]) -> list[Command]:
    """The commands that turn ``actual`` into ``desired``: removals, then additions, then pauses.

    A wrong name or penalty is a removal and an addition: app_queue cannot rename a member.
    """
    wanted = {(member.queue, member.seat): member for member in desired}
    present = {(member.queue, member.seat): member for member in actual}
    removals: list[Command] = []
    additions: list[Command] = []
    pauses: dict[str, QueuePause] = {}
    for place, member in sorted(present.items()):
        wish = wanted.get(place)
        if wish is None or (wish.member_name, wish.penalty) != (member.member_name, member.penalty):
            removals.append(QueueRemove(queue=member.queue, seat=member.seat))
            if wish is not None:
                additions.append(_add(wish))
        elif wish.paused != member.paused:
            pauses[wish.seat] = QueuePause(seat=wish.seat, paused=wish.paused, reason=None)
    additions.extend(_add(wish) for place, wish in sorted(wanted.items()) if place not in present)
    return [*removals, *additions, *pauses.values()]


def plan_renewals(desired: Iterable[Member], rows: Iterable[QueueMember], at: datetime) -> list[Command]:
    """Out and in again for whom Asterisk says that the last call ended after ``at``, the present.

    The clock was set back since. app_queue would take them for still in wrap-up, for as long as the step.
    """
    wanted = {(member.queue, member.seat): member for member in desired}
    stuck = sorted(
        (member.queue, member.seat)
        for row, member in ((row, member_of(row)) for row in rows)
        if row.last_call_at and row.last_call_at > at + CLOCK_TOLERANCE and not row.in_call
    )
    removals = [QueueRemove(queue=queue, seat=seat) for queue, seat in stuck]
    return [*removals, *(_add(wanted[place]) for place in stuck if place in wanted)]


def member_of(row: QueueMember) -> Member:
    """A row of QueueStatus as the place it is."""
    return Member(
        queue=row.queue,
        seat=seat_of(row.interface) or row.interface,
        member_name=row.member_name,
        penalty=row.penalty,
        paused=row.paused,
    )


async def has_open_commands(session: AsyncSession, pbx: str) -> bool:
    """Whether something asked of this PBX is not answered yet."""
    return await queries.has_open_commands(session, pbx)


def _member(queue_name: str, agent: Agent, penalty: int) -> Member:
    return Member(
        queue=queue_name,
        seat=agent.seat_name or "",
        member_name=agents.member_name(agent),
        penalty=penalty,
        paused=agent.wanted != Wanted.AVAILABLE,
    )


def _add(member: Member) -> QueueAdd:
    return QueueAdd(
        queue=member.queue,
        seat=member.seat,
        member_name=member.member_name,
        penalty=member.penalty,
        paused=member.paused,
    )


# -- queues as data


async def get_queue(session: AsyncSession, name: str) -> Queue:
    """Raises QueueNotFound."""
    queue = await session.get(Queue, name)
    if queue is None:
        raise QueueNotFound(queue=name)
    return queue


async def put_queue(session: AsyncSession, name: str, values: dict[str, object], *, pbx: str, cause: str) -> Queue:
    """Create or change a queue; Asterisk reads it at once, calls in it go on.

    A queue that a number falls back to cannot be switched off: its callers would reach nobody (QueueInUse). Raises
    QueueNotFound for an ``overflow_to`` that is none, OverflowCycle for one that leads back here, UnknownSchedule,
    SkillNotFound.
    """
    queues = {queue.name: queue for queue in await queries.lock_queues(session)}
    await _check_references(session, name, values, {one.name: one.overflow_to for one in queues.values()})
    queue = queues.get(name)
    if queue is None:
        queue = Queue(name=name, **values)
        session.add(queue)
    else:
        for field, value in values.items():
            setattr(queue, field, value)
    await session.flush()
    if not queue.active and any(did.fallback_queue == name for did in await queries.list_dids(session)):
        raise QueueInUse(queue=name)
    await announce(session, MEMBERS_TOPIC, [name])
    await request_command(session, pbx, Render(), cause=cause)
    return queue


async def _check_references(
    session: AsyncSession, name: str, values: dict[str, object], overflows: dict[str, str | None]
) -> None:
    schedule_name, overflow_to = values.get("schedule_name"), values.get("overflow_to")
    if schedule_name is not None and await session.get(Schedule, schedule_name) is None:
        raise UnknownSchedule(schedule=schedule_name)
    skill = values.get("skill")
    if skill is not None and await session.get(Skill, skill) is None:
        raise SkillNotFound(skills=[skill])
    if overflow_to is not None:
        target = str(overflow_to)
        if target != name and target not in overflows:
            raise QueueNotFound(queue=target)
        way = overflow_chain({**overflows, name: target}, name)
        if way[-1] == name:
            raise OverflowCycle(way=way)


async def put_did(session: AsyncSession, number: str, values: dict[str, object], *, pbx: str, cause: str) -> Did:
    """Create or change a number that leads to us; callers reach it as soon as Asterisk has read it.

    Raises QueueNotFound when its fall-back queue does not exist or is switched off.
    """
    queue = await queries.lock_queue(session, str(values["fallback_queue"]))
    if queue is None or not queue.active:
        raise QueueNotFound(queue=values["fallback_queue"])
    did = await session.get(Did, number)
    if did is None:
        did = Did(number=number, **values)
        session.add(did)
    else:
        for field, value in values.items():
            setattr(did, field, value)
    await session.flush()
    await request_command(session, pbx, Render(), cause=cause)
    return did


async def get_pbx_configuration(session: AsyncSession) -> PbxConfiguration:
    """What the database contributes to Asterisk's configuration files."""
    members = await queries.list_member_numbers(session)
    return PbxConfiguration(
        dids=tuple(
            DidConf(number=did.number, fallback_queue=did.fallback_queue, language=did.language)
            for did in await queries.list_dids(session)
        ),
        queues=tuple(
            QueueConf(
                name=queue.name,
                strategy=queue.strategy,
                ring_seconds=queue.ring_seconds,
                retry_seconds=queue.retry_seconds,
                wrap_up_seconds=queue.wrap_up_seconds,
                capacity=queue.capacity,
                service_level_seconds=queue.service_level_seconds,
                announce_position=queue.announce_position,
                announce_every_seconds=queue.announce_every_seconds,
                announce_wait=queue.announce_wait,
                comfort_prompts=tuple(queue.comfort_prompts),
                comfort_every_seconds=queue.comfort_every_seconds,
                exit_keys=queue.exit_keys,
                without=tuple(members.get(queue.name, ())) if queue.excludes_complained_agent else (),
            )
            for queue in await queries.list_queues(session, active_only=True)
        ),
        personal_queues=tuple(
            PersonalQueueConf(agent_number=number, wrap_up_seconds=wrap_up_seconds)
            for number, wrap_up_seconds in await queries.list_personal_wrap_ups(session)
        ),
        seats=tuple(
            SeatConf(name=seat.name, sip_password=seat.sip_password, in_browser=seat.kind == SeatKind.BROWSER)
            for seat in await agent_queries.list_seats(session)
        ),
    )


async def list_waiting(session: AsyncSession, queue_name: str) -> Sequence[WaitingCaller]:
    """Who waits now, next first. Raises QueueNotFound."""
    await get_queue(session, queue_name)
    return await queries.list_waiting(session, queue_name)
