"""Whether the telephones of the seats are there, as Asterisk says; whoever sits there is told."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages, queries
from callcenter.agents.models import Seat


async def record_registration(session: AsyncSession, seat_name: str, registered: bool, at: datetime) -> None:
    """A telephone came or went; a repetition changes nothing."""
    await _record(session, await queries.list_unlike(session, {seat_name: registered}), at)


async def record_registrations(session: AsyncSession, seat_names: Collection[str], at: datetime) -> None:
    """A snapshot: the telephones of these seats are there, all others are not."""
    news = await queries.list_unlike(session, dict.fromkeys(seat_names, True), others=False)
    await _record(session, news, at)


async def _record(session: AsyncSession, news: Mapping[str, bool], at: datetime) -> None:
    """Agents are locked before seats, as who takes a seat does. Who took one of these meanwhile is to be told too."""
    is_done = not news
    while not is_done:
        async with session.begin_nested() as attempt:
            agents = {agent.id: agent for agent in await queries.lock_agents_at(session, news)}
            changed = await queries.set_registered(session, news, at)
            sitting = await queries.list_sitting_at(session, changed)
            is_done = sitting <= agents.keys()
            if not is_done:
                await attempt.rollback()
                continue
            for agent in [one for one in agents.values() if one.id in sitting]:
                seat = await session.get_one(Seat, agent.seat_name, populate_existing=True)
                await messages.tell_telephone(session, agent, seat, was_registered=not seat.registered)
