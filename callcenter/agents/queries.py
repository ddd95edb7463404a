"""All SQL of agents and seats."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Activity, Agent, AgentStateChange, PauseReason, Seat, Wanted
from callcenter.core.alarms import Alarm
from callcenter.core.clock import CLOCK_TOLERANCE


def _locked(query: Select[Agent], *, skip_locked: bool = False) -> Select[Agent]:
    """FOR UPDATE, so that two changes of one agent follow one another.

    ``populate_existing``: an agent this session has read before would otherwise keep what was true before the wait.
    """
    return query.with_for_update(skip_locked=skip_locked).execution_options(populate_existing=True)


async def find_agent(session: AsyncSession, *, number: str, lock: bool = False) -> Agent | None:
    query = select(Agent).where(Agent.number == number)
    return (await session.scalars(_locked(query) if lock else query)).one_or_none()


async def lock_agents(
    session: AsyncSession, numbers: Collection[str], *, ringing_for: Collection[str]
) -> Sequence[Agent]:
    """The agents with these numbers, and those whose phones ring for one of these calls; in order of number."""
    rings = and_(Agent.activity == Activity.RINGING, Agent.activity_call_id.in_(ringing_for))
    query = select(Agent).where(or_(Agent.number.in_(numbers), rings)).order_by(Agent.number)
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


async def set_registered(session: AsyncSession, seat_name: str, registered: bool, at: datetime) -> None:
    await session.execute(
        update(Seat)
        .where(Seat.name == seat_name, Seat.registered.is_distinct_from(registered))
        .values(registered=registered, registered_at=at)
    )


async def set_registered_exactly(session: AsyncSession, seat_names: set[str], at: datetime) -> None:
    """A snapshot: these seats are registered, all others are not."""
    for registered in (True, False):
        among = Seat.name.in_(seat_names) if registered else Seat.name.not_in(seat_names)
        await session.execute(
            update(Seat)
            .where(among, Seat.registered.is_distinct_from(registered))
            .values(registered=registered, registered_at=at)
        )


async def list_changes(
    session: AsyncSession, agent_id: UUID, *, before: int | None, limit: int
) -> Sequence[AgentStateChange]:
    """Newest first, with a sequence below ``before``."""
    query = select(AgentStateChange).where(AgentStateChange.agent_id == agent_id)
    if before is not None:
        query = query.where(AgentStateChange.sequence < before)
    return (await session.scalars(query.order_by(AgentStateChange.sequence.desc()).limit(limit))).all()
