"""What agents want and do: two things kept apart, every change kept with its time and cause.

This module knows no queues: who tells Asterisk is queues.service, one floor up.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages, queries
from callcenter.agents.errors import (
    AgentExists,
    AgentNotFound,
    NotInWrapUp,
    NotLoggedIn,
    SeatExists,
    SeatNotFound,
    SeatTaken,
    SkillNotFound,
    TelephoneAway,
    UnknownPauseReason,
    WrongPin,
)
from callcenter.agents.models import Activity, Agent, AgentSkill, AgentStateChange, Cause, Seat, SeatKind, Wanted
from callcenter.core.alarms import raise_alarm
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.security import codes_equal, keyed_code_hash

TOPIC = "agents"
SEAT_AWAY = "seat_away"
TELEPHONE_GRACE = timedelta(seconds=10)
_MEMBER_PREFIX = "agent-"


def member_name(agent: Agent) -> str:
    """The agent's name as a queue member: it stands in queue_log and in every AMI event."""
    return f"{_MEMBER_PREFIX}{agent.number}"


def number_of_member(name: str) -> str | None:
    """The reverse of :func:`member_name`; None for a member that is not ours."""
    return name.removeprefix(_MEMBER_PREFIX) if name.startswith(_MEMBER_PREFIX) else None


async def get_agent(session: AsyncSession, number: str, *, lock: bool = False) -> Agent:
    """Raises AgentNotFound."""
    agent = await queries.find_agent(session, number=number, lock=lock)
    if agent is None:
        raise AgentNotFound(number=number)
    return agent


async def get_agent_by_pin(session: AsyncSession, number: str, pin: str, *, key: str) -> Agent:
    """The agent who keyed in number and PIN at a phone. Raises WrongPin, the same for either being wrong."""
    agent = await queries.find_agent(session, number=number)
    keyed = keyed_code_hash(pin, owner=number, key=key)
    if agent is None or agent.pin_hash is None or not codes_equal(agent.pin_hash, keyed):
        raise WrongPin
    return agent


async def create_agent(session: AsyncSession, *, number: str, display_name: str, pin: str | None, key: str) -> Agent:
    """A new agent, logged out. ``pin``: four digits or more, kept as a keyed hash. Raises AgentExists."""
    if await queries.find_agent(session, number=number) is not None:
        raise AgentExists(number=number)
    at = now()
    agent = Agent(
        number=number,
        display_name=display_name,
        pin_hash=keyed_code_hash(pin, owner=number, key=key) if pin else None,
        wanted=Wanted.LOGGED_OUT,
        wanted_since=at,
        activity=Activity.IDLE,
        activity_since=at,
        sequence=0,
    )
    session.add(agent)
    await session.flush()
    return agent


async def create_seat(session: AsyncSession, *, name: str, label: str, kind: SeatKind = SeatKind.PHONE) -> Seat:
    """A SIP endpoint with a random password of 192 bits. Raises SeatExists."""
    if await session.get(Seat, name) is not None:
        raise SeatExists(name=name)
    seat = Seat(name=name, label=label, kind=kind, sip_password=secrets.token_urlsafe(24), registered=False)
    session.add(seat)
    await session.flush()
    return seat


async def get_seat(session: AsyncSession, name: str) -> Seat:
    """Raises SeatNotFound."""
    seat = await session.get(Seat, name)
    if seat is None:
        raise SeatNotFound(seat=name)
    return seat


async def log_in(session: AsyncSession, agent: Agent, seat_name: str, *, cause: Cause, actor_name: str) -> str | None:
    """The agent takes a seat and is paused until saying otherwise. Returns the seat left, if any.

    Raises SeatNotFound, SeatTaken.
    """
    # until the end of this transaction: a telephone that comes or goes meanwhile is told to who sits there then
    seat = await session.get(Seat, seat_name, with_for_update={"read": True}, populate_existing=True)
    if seat is None:
        raise SeatNotFound(seat=seat_name)
    sitting = await queries.find_agent_at(session, seat_name)
    if sitting is not None and sitting.id != agent.id:
        raise SeatTaken(seat=seat_name)
    left = agent.seat_name if agent.seat_name != seat_name else None
    before = messages.state_of(agent)
    try:
        async with session.begin_nested():
            agent.seat_name = seat_name
    except IntegrityError as error:  # who sat down at the same moment was not to be seen yet
        raise SeatTaken(seat=seat_name) from error
    if agent.wanted == Wanted.LOGGED_OUT or left:
        await _change(session, agent, before, wanted=Wanted.PAUSED, reason=None, cause=cause, actor_name=actor_name)
        await messages.tell_telephone(session, agent, seat, was_registered=None)
    return left


async def log_out(session: AsyncSession, agent: Agent, *, cause: Cause, actor_name: str) -> str | None:
    """The agent leaves; a call in progress goes on. Returns the seat that was left (None: was logged out)."""
    left = agent.seat_name
    if agent.wanted != Wanted.LOGGED_OUT:
        before = messages.state_of(agent)
        await _change(session, agent, before, wanted=Wanted.LOGGED_OUT, reason=None, cause=cause, actor_name=actor_name)
    agent.seat_name = None
    return left


async def require_telephone(session: AsyncSession, agent: Agent) -> None:
    """Raises TelephoneAway when no call could reach the agent: none is registered at the seat."""
    seat = await queries.find_seat(session, agent.seat_name) if agent.seat_name else None
    if seat is not None and not seat.registered:
        raise TelephoneAway(seat=seat.name)


async def set_available(session: AsyncSession, agent: Agent, *, cause: Cause, actor_name: str) -> None:
    """Calls may come. Raises NotLoggedIn."""
    _require_seat(agent)
    agent.missed_calls = 0
    if agent.wanted != Wanted.AVAILABLE:
        before = messages.state_of(agent)
        await _change(session, agent, before, wanted=Wanted.AVAILABLE, reason=None, cause=cause, actor_name=actor_name)


async def pause(session: AsyncSession, agent: Agent, reason: str, *, cause: Cause, actor_name: str) -> None:
    """No new calls, for ``reason`` (a code of pause_reasons). Raises NotLoggedIn, UnknownPauseReason."""
    _require_seat(agent)
    if await queries.find_pause_reason(session, code=reason) is None:
        raise UnknownPauseReason(reason=reason)
    if agent.wanted != Wanted.PAUSED or agent.pause_reason != reason:
        before = messages.state_of(agent)
        await _change(session, agent, before, wanted=Wanted.PAUSED, reason=reason, cause=cause, actor_name=actor_name)


async def require_reason_for_people(session: AsyncSession, reason: str) -> None:
    """Raises UnknownPauseReason for one that only a rule gives."""
    found = await queries.find_pause_reason(session, code=reason)
    if found is not None and found.by_system:
        raise UnknownPauseReason(reason=reason)


async def record_activity(
    session: AsyncSession,
    agent: Agent,
    activity: Activity,
    *,
    call_id: str | None = None,
    wrap_up_seconds: int = 0,
    at: datetime | None = None,
    cause: Cause = Cause.SYSTEM,
    actor_name: str = "pbx",
) -> None:
    """What Asterisk's events say the agent does, or who ended a wrap-up; a repetition changes nothing."""
    when = at or now()
    if agent.activity == activity and agent.activity_call_id == call_id:
        return
    if activity is Activity.ON_CALL:
        agent.missed_calls = 0
    before = messages.state_of(agent)
    agent.activity, agent.activity_since, agent.activity_call_id = activity, when, call_id
    agent.wrap_up_until = when + timedelta(seconds=wrap_up_seconds) if activity == Activity.WRAP_UP else None
    await _append(session, agent, when, before, cause=cause, actor_name=actor_name)


async def end_wrap_up(session: AsyncSession, agent: Agent, *, cause: Cause, actor_name: str) -> None:
    """Before its time is over. Raises NotInWrapUp."""
    if agent.activity != Activity.WRAP_UP:
        raise NotInWrapUp(agent=agent.number)
    await record_activity(session, agent, Activity.IDLE, cause=cause, actor_name=actor_name)


async def end_wrap_ups(session: AsyncSession, at: datetime) -> int:
    """Agents whose wrap-up time is over are idle again. Returns how many."""
    agents = await queries.list_wrap_ups_over(session, at)
    for agent in agents:
        until = agent.wrap_up_until
        await record_activity(session, agent, Activity.IDLE, at=until if until and until <= at else at)
    return len(agents)


async def warn_of_absent_telephones(session: AsyncSession, at: datetime) -> int:
    """An alarm for each agent who is available at a telephone that is away: no call comes there. Returns how many.

    Once in each absence. A telephone that registers anew from elsewhere is away for a moment, and no alarm.
    """
    alone = await queries.list_without_telephone(session, since=at - TELEPHONE_GRACE, told_by=SEAT_AWAY)
    for agent in alone:
        await raise_alarm(session, SEAT_AWAY, key=agent.seat_name or "", seat=agent.seat_name, agent=agent.number)
    return len(alone)


async def set_skills(session: AsyncSession, agent: Agent, levels: Mapping[str, int]) -> None:
    """All skills of the agent, anew. Asterisk's order of ringing follows by correction. Raises SkillNotFound."""
    unknown = levels.keys() - {skill.code for skill in await queries.list_skills(session)}
    if unknown:
        raise SkillNotFound(skills=sorted(unknown))
    await queries.remove_skills_of(session, agent.id)
    session.add_all(AgentSkill(agent_id=agent.id, skill=code, level=level) for code, level in levels.items())
    await session.flush()


def _require_seat(agent: Agent) -> None:
    if agent.seat_name is None or agent.wanted == Wanted.LOGGED_OUT:
        raise NotLoggedIn(agent=agent.number)


async def _change(
    session: AsyncSession,
    agent: Agent,
    before: Mapping[str, Any],
    *,
    wanted: Wanted,
    reason: str | None,
    cause: Cause,
    actor_name: str,
) -> None:
    at = now()
    agent.wanted, agent.pause_reason, agent.wanted_since = wanted, reason, at
    await _append(session, agent, at, before, cause=cause, actor_name=actor_name)


async def _append(
    session: AsyncSession, agent: Agent, at: datetime, before: Mapping[str, Any], *, cause: Cause, actor_name: str
) -> None:
    """One row of history, numbered per agent (whose row the session holds), and the same told to the desk."""
    messages.take_number(agent)
    session.add(
        AgentStateChange(
            agent_id=agent.id,
            sequence=agent.sequence,
            at=at,
            cause=cause,
            actor_name=actor_name,
            wanted_before=before["wanted"],
            wanted=agent.wanted,
            pause_reason=agent.pause_reason,
            activity_before=before["activity"],
            activity=agent.activity,
            call_id=agent.activity_call_id,
            seat_name=agent.seat_name,
        )
    )
    after = {**messages.state_of(agent), "cause": cause.value, "actor": actor_name}
    await messages.record_message(session, agent, messages.STATE, before=before, after=after)
    await announce(session, TOPIC, [agent.number])
