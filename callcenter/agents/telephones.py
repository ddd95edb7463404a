"""Whether the telephones of the seats are there, as Asterisk says; whoever sits there is told."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages, queries
from callcenter.agents.models import Seat


async def record_registration(session: AsyncSession, seat_name: str, registered: bool, at: datetime) -> None:
    """A telephone came or went; a repetition changes nothing."""
    names = await queries.set_registered(session, seat_name, registered, at)
    await _tell(session, dict.fromkeys(names, registered))


async def record_registrations(session: AsyncSession, seat_names: Collection[str], at: datetime) -> None:
    """A snapshot: the telephones of these seats are there, all others are not."""
    await _tell(session, dict(await queries.set_registered_exactly(session, seat_names, at)))


async def _tell(session: AsyncSession, changed: Mapping[str, bool]) -> None:
    if not changed:
        return
    for agent in await queries.lock_agents_at(session, changed):
        seat = await session.get_one(Seat, agent.seat_name, populate_existing=True)
        await messages.tell_telephone(session, agent, seat, was_registered=not seat.registered)
