"""All SQL of agents and seats."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import (
    Activity,
    Agent,
    AgentMessage,
    AgentSkill,
    AgentStateChange,
    DeskTicket,
    PauseReason,
    Seat,
    Skill,
    Wanted,
)
from callcenter.core.alarms import Alarm
from callcenter.core.clock import CLOCK_TOLERANCE
from callcenter.core.conditions import one_of


@dataclass(frozen=True, slots=True)
class MessageText:
    """A message as it is sent on: ``before`` and ``after`` are JSON, not looked into."""

    sequence: int
    at: datetime
    type: str
    before: str | None
    after: str | None


def _locked(query: Select[Agent], *, skip_locked: bool = False) -> Select[Agent]:
    """FOR UPDATE, so that two changes of one agent follow one another.

    ``populate_existing``: an agent this session has read before would otherwise keep what was true before the wait.
    """
    return query.with_for_update(skip_locked=skip_locked).execution_options(populate_existing=True)


async def find_agent(session: AsyncSession, *, number: str, lock: bool = False) -> Agent | None:
    query = select(Agent).where(Agent.number == number)
    return (await session.scalars(_locked(query) if lock else query)).one_or_none()


async def lock_agents(
    session: AsyncSession,
    numbers: Collection[str],
    *,
    ringing_for: Collection[str],
    seats: Collection[str] = (),
    legs: Collection[str] = (),
) -> Sequence[Agent]:
    """The agents with these numbers, at these seats, on these legs (channels of their telephones), and those whose
    phones ring for one of these calls; in order of number."""
    rings = and_(Agent.activity == Activity.RINGING, one_of(Agent.activity_call_id, ringing_for))
    on_leg = one_of(Agent.live_call["leg"].astext, legs)
    wanted = or_(one_of(Agent.number, numbers), one_of(Agent.seat_name, seats), on_leg, rings)
    query = select(Agent).where(wanted).order_by(Agent.number)
    return (await session.scalars(_locked(query))).all()


async def find_agent_of_user(session: AsyncSession, user_id: UUID) -> Agent | None:
    return (await session.scalars(select(Agent).where(Agent.user_id == user_id))).one_or_none()


async def find_agent_at(session: AsyncSession, seat_name: str, *, lock: bool = False) -> Agent | None:
    """Who sits at this seat now; with ``lock``, who still sits there once the lock is held."""
    query = select(Agent).where(Agent.seat_name == seat_name)
    return (await session.scalars(_locked(query) if lock else query)).one_or_none()


async def take_sequence(session: AsyncSession, agent_id: UUID) -> int:
    """The agent's next number; the row is locked from then on."""
    taken = update(Agent).where(Agent.id == agent_id).values(sequence=Agent.sequence + 1).returning(Agent.sequence)
    return (await session.scalars(taken, execution_options={"synchronize_session": False})).one()


async def lock_agent(session: AsyncSession, agent_id: UUID) -> Agent:
    return (await session.scalars(_locked(select(Agent).where(Agent.id == agent_id)))).one()


async def list_agents(session: AsyncSession, *, lock: bool = False) -> Sequence[Agent]:
    query = select(Agent).order_by(Agent.number)
    return (await session.scalars(_locked(query) if lock else query)).all()


async def list_without_telephone(session: AsyncSession, *, since: datetime, told_by: str) -> Sequence[Agent]:
    """Who wants calls at a seat whose telephone was away from ``since`` or before; nobody of whom an alarm of the kind
    ``told_by`` was raised in this absence.
    """
    away_at = func.greatest(Agent.wanted_since, Seat.registered_at)  # NULL: never there; greatest() leaves it out
    told = exists().where(Alarm.kind == told_by, Alarm.key == Seat.name, Alarm.raised_at >= away_at)
    query = (
        select(Agent)
        .join(Seat, Seat.name == Agent.seat_name)
        .where(Agent.wanted == Wanted.AVAILABLE, ~Seat.registered, away_at <= since, ~told)
        .order_by(Agent.number)
    )
    return (await session.scalars(query)).all()


async def find_seat(session: AsyncSession, name: str) -> Seat | None:
    return await session.get(Seat, name)


async def list_seats(session: AsyncSession) -> Sequence[Seat]:
    return (await session.scalars(select(Seat).order_by(Seat.name))).all()


async def find_pause_reason(session: AsyncSession, *, code: str) -> PauseReason | None:
    return (
        await session.scalars(select(PauseReason).where(PauseReason.code == code, PauseReason.active))
    ).one_or_none()


async def find_pause_reason_by_digit(session: AsyncSession, digit: str) -> PauseReason | None:
    return (
        await session.scalars(select(PauseReason).where(PauseReason.digit == digit, PauseReason.active))
    ).one_or_none()


async def list_pause_reasons(session: AsyncSession) -> Sequence[PauseReason]:
    return (await session.scalars(select(PauseReason).order_by(PauseReason.code))).all()


async def list_wrap_ups_over(session: AsyncSession, at: datetime) -> Sequence[Agent]:
    """Agents whose wrap-up ended by ``at``, or would begin after it (the clock was set back), locked."""
    over = or_(Agent.wrap_up_until <= at, Agent.activity_since > at + CLOCK_TOLERANCE)
    query = select(Agent).where(Agent.activity == Activity.WRAP_UP, over)
    return (await session.scalars(_locked(query, skip_locked=True))).all()


async def list_unlike(
    session: AsyncSession, registered: Mapping[str, bool], *, others: bool | None = None
) -> Mapping[str, bool]:
    """By seat: whether a telephone is registered there, where that is news. ``others``: at all seats not named."""
    query = select(Seat.name, Seat.registered)
    query = query if others is not None else query.where(Seat.name.in_(registered))
    seats = {row.name: row.registered for row in await session.execute(query)}
    wanted = dict.fromkeys(seats, bool(others)) | {name: registered[name] for name in registered.keys() & seats}
    return {name: after for name, after in wanted.items() if after != seats[name]}


async def set_registered(session: AsyncSession, registered: Mapping[str, bool], at: datetime) -> set[str]:
    """Names of the seats for which that was news."""
    changed: set[str] = set()
    for after in sorted(set(registered.values())):
        names = [name for name, value in registered.items() if value is after]
        changes = (
            update(Seat)
            .where(Seat.name.in_(names), Seat.registered.is_distinct_from(after))
            .values(registered=after, registered_at=at)
            .returning(Seat.name)
        )
        changed.update(await session.scalars(changes))
    return changed


async def list_sitting_at(session: AsyncSession, seat_names: Collection[str]) -> set[UUID]:
    """Ids of the agents who sit at these seats."""
    return set(await session.scalars(select(Agent.id).where(Agent.seat_name.in_(seat_names))))


async def lock_agents_at(session: AsyncSession, seat_names: Collection[str]) -> Sequence[Agent]:
    """Who sits at these seats, in order of number."""
    query = select(Agent).where(Agent.seat_name.in_(seat_names)).order_by(Agent.number)
    return (await session.scalars(_locked(query))).all()


async def put_system_reason(session: AsyncSession, code: str, *, label_zh: str, label_en: str) -> None:
    """Made if it is not there; staff may have given it other words."""
    new = insert(PauseReason).values(
        code=code, label_zh=label_zh, label_en=label_en, active=True, by_system=True, digit=None
    )
    await session.execute(new.on_conflict_do_update(index_elements=["code"], set_={"active": True, "by_system": True}))


async def list_skills(session: AsyncSession) -> Sequence[Skill]:
    return (await session.scalars(select(Skill).order_by(Skill.code))).all()


async def list_skills_of(session: AsyncSession, agent_id: UUID) -> Sequence[AgentSkill]:
    return (
        await session.scalars(select(AgentSkill).where(AgentSkill.agent_id == agent_id).order_by(AgentSkill.skill))
    ).all()


async def remove_skills_of(session: AsyncSession, agent_id: UUID) -> None:
    await session.execute(delete(AgentSkill).where(AgentSkill.agent_id == agent_id))


async def list_changes(
    session: AsyncSession, agent_id: UUID, *, before: int | None, limit: int
) -> Sequence[AgentStateChange]:
    """Newest first, with a sequence below ``before``."""
    query = select(AgentStateChange).where(AgentStateChange.agent_id == agent_id)
    if before is not None:
        query = query.where(AgentStateChange.sequence < before)
    return (await session.scalars(query.order_by(AgentStateChange.sequence.desc()).limit(limit))).all()


async def find_first_message(session: AsyncSession, agent_id: UUID) -> int | None:
    """The number of the oldest that is kept."""
    return await session.scalar(select(func.min(AgentMessage.sequence)).where(AgentMessage.agent_id == agent_id))


_MESSAGES_AFTER = text("""
    SELECT wish.number, message.sequence, message.at, message.type,
           CAST(message.before AS text) AS before, CAST(message.after AS text) AS after
    FROM unnest(CAST(:agents AS uuid[]), CAST(:afters AS bigint[]), CAST(:limits AS int[]))
         WITH ORDINALITY AS wish (agent_id, after, most, number)
    CROSS JOIN LATERAL (
        SELECT * FROM agent_messages WHERE agent_id = wish.agent_id AND sequence > wish.after
        ORDER BY sequence LIMIT wish.most
    ) AS message
    ORDER BY wish.number, message.sequence
""")


async def list_messages_after(
    session: AsyncSession, wishes: Sequence[tuple[UUID, int, int]]
) -> Sequence[tuple[int, MessageText]]:
    """For each wish (agent, number, at most how many): the place of the wish, and a message behind that number."""
    rows = await session.execute(
        _MESSAGES_AFTER,
        {
            "agents": [agent_id for agent_id, _after, _most in wishes],
            "afters": [after for _agent_id, after, _most in wishes],
            "limits": [most for _agent_id, _after, most in wishes],
        },
    )
    return [(row[0] - 1, MessageText(row[1], row[2], row[3], row[4], row[5])) for row in rows]


async def purge_tickets(session: AsyncSession, at: datetime) -> None:
    await session.execute(delete(DeskTicket).where(DeskTicket.expires_at <= at))


async def take_ticket(session: AsyncSession, digest: bytes, at: datetime) -> DeskTicket | None:
    """The ticket, which is gone with that: nobody else gets it."""
    taken = delete(DeskTicket).where(DeskTicket.digest == digest, DeskTicket.expires_at > at).returning(DeskTicket)
    return (await session.scalars(taken)).one_or_none()
