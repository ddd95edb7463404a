"""The first frame of the desk's socket: all that is true of the agent now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages, queries
from callcenter.agents.live_calls import live_call_of
from callcenter.agents.models import Agent
from callcenter.desk.frames import SUPERSEDED

Part = Callable[[AsyncSession, Agent], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Entered:
    """``sequence``: up to which ``present`` is true. ``sent``: what the client has already, of what is kept."""

    sequence: int
    sent: int
    present: dict[str, Any]


async def enter(session: AsyncSession, agent_id: UUID, *, after: int | None, source: str) -> Entered:
    """The agent opens the desk: sockets opened before are told, by a message that they end with.

    ``after`` is resumed from unless something behind it is not kept any more, or it never was.
    """
    agent = await queries.lock_agent(session, agent_id)
    oldest = await queries.find_first_message(session, agent_id)
    is_kept = after is not None and after <= agent.sequence and (oldest is None or after >= oldest - 1)
    sequence = await messages.publish(session, agent, SUPERSEDED, before=None, after={"source": source})
    present = {
        "sequence": sequence,
        "resumed": is_kept,
        "agent": {"number": agent.number, "display_name": agent.display_name},
        **{name: await part(session, agent) for name, part in PARTS.items()},
    }
    return Entered(sequence, after if after is not None and is_kept else sequence, present)


async def _state(_session: AsyncSession, agent: Agent) -> dict[str, Any]:
    return messages.state_of(agent)


async def _telephone(session: AsyncSession, agent: Agent) -> dict[str, Any] | None:
    """Whether the telephone of the seat is there; None without a seat."""
    seat = await queries.find_seat(session, agent.seat_name) if agent.seat_name else None
    return messages.telephone_of(seat) if seat is not None else None


async def _call(_session: AsyncSession, agent: Agent) -> dict[str, Any] | None:
    """What rings or goes on at the telephone; None: nothing."""
    call = live_call_of(agent)
    return call.model_dump(mode="json") if call is not None else None


PARTS: dict[str, Part] = {"state": _state, "telephone": _telephone, "call": _call}
"""What stands in ``hello`` under which name; whoever sends messages of a kind adds what they would add up to."""
