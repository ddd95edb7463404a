"""What an agent's desk is told (docs/agent-api.md): numbered per agent and kept, so that a page that was away for a
while misses nothing.

Only ids, states and what a screen may show unasked: no patient's name and no full number.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified, set_committed_value

from callcenter.agents import queries
from callcenter.agents.models import Agent, AgentMessage, Seat, Wanted
from callcenter.core.bus import announce
from callcenter.core.clock import now

TOPIC = "agent_messages"
"""Announced with the agents' ids."""
STATE, TELEPHONE = "state", "telephone"
_LIVE = frozenset(
    {"activity", "activity_since", "activity_call_id", "wrap_up_until", "live_call", "missed_calls", "sequence"}
)


async def publish(
    session: AsyncSession,
    agent: Agent,
    type: str,  # noqa: A002 - the word of the protocol
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> int:
    """Tell the agent's desk, at commit. Returns the message's number.

    Takes the agent's row until then, so that numbers are given in the order in which they can be read: whoever tells
    several agents does so in the order of their numbers. Who holds the row already has :func:`tell`.
    """
    await session.flush()
    set_committed_value(agent, "sequence", await queries.take_sequence(session, agent.id))
    await record_message(session, agent, type, before=before, after=after)
    return agent.sequence


async def tell(
    session: AsyncSession,
    agent: Agent,
    type: str,  # noqa: A002
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """As :func:`publish`, of a session that has read the agent's row with its lock: written with all else."""
    take_number(agent)
    await record_message(session, agent, type, before=before, after=after)


def take_number(agent: Agent) -> None:
    """The agent's next, of a session that has read the row with its lock.

    Whatever live events change is written with it, changed or not: for each set of columns the ORM would make a
    statement of its own, where all agents of a batch can be one.
    """
    agent.sequence += 1
    known = inspect(agent).dict  # of an agent who was created a moment ago not all of it
    for column in _LIVE & known.keys():
        flag_modified(agent, column)


async def record_message(
    session: AsyncSession,
    agent: Agent,
    type: str,  # noqa: A002
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """The message that has the agent's present ``sequence``: of a session that holds the agent's row already."""
    session.add(
        AgentMessage(
            agent_id=agent.id,
            sequence=agent.sequence,
            at=now(),
            type=type,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
        )
    )
    await announce(session, TOPIC, [agent.id.hex])


def state_of(agent: Agent) -> dict[str, Any]:
    """What the agent wants and does now, as the messages of type ``state`` have it before and after."""
    wrap_up_until = agent.wrap_up_until.isoformat() if agent.wrap_up_until else None
    return {
        "wanted": str(agent.wanted),
        "pause_reason": agent.pause_reason,
        "wanted_since": agent.wanted_since.isoformat(),
        "activity": str(agent.activity),
        "activity_since": agent.activity_since.isoformat(),
        "call_id": agent.activity_call_id,
        "wrap_up_until": wrap_up_until,
        "seat": agent.seat_name if agent.wanted != Wanted.LOGGED_OUT else None,
    }


async def tell_telephone(session: AsyncSession, agent: Agent, seat: Seat, *, was_registered: bool | None) -> None:
    """The telephone where the agent sits, of a session that holds the agent's row. ``was_registered``: None: the agent
    sat elsewhere."""
    before = None if was_registered is None else {"seat": seat.name, "registered": was_registered}
    await tell(session, agent, TELEPHONE, before=before, after=telephone_of(seat))


def telephone_of(seat: Seat) -> dict[str, Any]:
    """Whether the seat's telephone is registered, as the messages of type ``telephone`` have it."""
    return {"seat": seat.name, "registered": seat.registered}
