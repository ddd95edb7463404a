"""Listening to a conversation, whispering to the agent, barging in, taking over."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.agents.live_calls import LiveCall
from callcenter.agents.models import Agent
from callcenter.agents.service import TOPIC as AGENTS_TOPIC
from callcenter.asterisk.commands import LiveCommand
from callcenter.asterisk.spy_ids import new_spy_id
from callcenter.asterisk.supervisor_commands import ChangeMode, Listen, StopListening, TakeOver
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.supervision.errors import NotListening, OwnConversation
from callcenter.supervision.models import Listening, Mode


async def listen(
    session: AsyncSession, access: Access, agent: Agent, call: LiveCall, mode: Mode, *, seat: str, pbx: str
) -> list[LiveCommand]:
    """What Asterisk is to be told so that the supervisor at ``seat`` hears this conversation in ``mode``.

    Who listens to it already changes the mode; who listens to another leaves that one. Raises OwnConversation.
    """
    if agent.seat_name is None or agent.seat_name == seat:
        raise OwnConversation(agent=agent.number)
    own = await find_own(session, access)
    if own is not None and own.begun_at is not None and (own.agent_id, own.call_id) == (agent.id, call.call_id):
        own.mode = mode
        await announce(session, AGENTS_TOPIC, [agent.number])
        return [ChangeMode(spy=own.id, mode=mode.value)]
    left = await _leave(session, own)
    spy = new_spy_id(pbx)
    session.add(
        Listening(
            id=spy,
            user_id=UUID(access.actor.id),
            user_name=access.actor.name,
            seat_name=seat,
            agent_id=agent.id,
            agent_number=agent.number,
            call_id=call.call_id,
            mode=mode,
            requested_at=now(),
        )
    )
    await session.flush()
    return [
        *left,
        Listen(seat=agent.seat_name, call=call.call_id, supervisor_seat=seat, spy=spy, mode=mode.value),
    ]


async def stop(session: AsyncSession, access: Access) -> list[LiveCommand]:
    """The supervisor listens to nobody any more. Raises NotListening."""
    own = await find_own(session, access)
    if own is None:
        raise NotListening
    return await _leave(session, own)


async def take_over(session: AsyncSession, access: Access, agent: Agent, call: LiveCall, *, seat: str) -> TakeOver:
    """The agent's caller talks with the supervisor from now on. Raises OwnConversation."""
    if agent.seat_name is None or agent.seat_name == seat:
        raise OwnConversation(agent=agent.number)
    own = await find_own(session, access)
    is_here = own is not None and own.begun_at is not None and own.agent_id == agent.id
    spy = own.id if own is not None and is_here else None
    return TakeOver(seat=agent.seat_name, call=call.call_id, supervisor_seat=seat, spy=spy)


async def find_own(session: AsyncSession, access: Access) -> Listening | None:
    """To whom this supervisor listens, as far as it is known; also if the telephone still rings."""
    query = select(Listening).where(Listening.user_id == UUID(access.actor.id), Listening.ended_at.is_(None))
    return (await session.scalars(query.with_for_update())).one_or_none()


async def note_begun(session: AsyncSession, spy: str) -> None:
    """Asterisk says that this channel listens now."""
    listening = await session.get(Listening, spy, with_for_update=True)
    if listening is not None and listening.begun_at is None:
        listening.begun_at = now()
        await announce(session, AGENTS_TOPIC, [listening.agent_number])


async def note_ended(session: AsyncSession, spy: str) -> None:
    """And that it does no more."""
    listening = await session.get(Listening, spy, with_for_update=True)
    if listening is not None and listening.ended_at is None:
        listening.ended_at = now()
        await announce(session, AGENTS_TOPIC, [listening.agent_number])


async def _leave(session: AsyncSession, listening: Listening | None) -> list[LiveCommand]:
    if listening is None:
        return []
    listening.ended_at = now()
    await session.flush()
    await announce(session, AGENTS_TOPIC, [listening.agent_number])
    return [StopListening(spy=listening.id)]
