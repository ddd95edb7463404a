"""The call that rings or goes on at an agent's telephone now: what the messages of type ``call`` say.

Live only: told by Asterisk's events and by what came of the agent's own commands; never counted.
"""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages
from callcenter.agents.models import Agent
from callcenter.core.clock import now

CALL = "call"


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"
    """With another agent."""


class CallState(StrEnum):
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"
    """The other side hears music while the agent talks with whom they asked."""
    CONFERENCE = "conference"
    ENDED = "ended"


class LiveCall(BaseModel):
    """``leg``: the channel of the agent's telephone. ``queue``: whose caller it is, if a queue gave it.
    ``since``: of the state, ISO 8601."""

    model_config = ConfigDict(frozen=True)
    call_id: str
    leg: str
    direction: Direction
    queue: str | None = None
    peer_masked: str | None = None
    state: CallState
    muted: bool = False
    recording_paused: bool = False
    since: str

    def changed(self, **values: Any) -> "LiveCall":
        """With other values; ``since`` counts anew if the state is another."""
        if values.get("state", self.state) != self.state:
            values["since"] = now().isoformat()
        return self.model_copy(update=values)


def live_call_of(agent: Agent) -> LiveCall | None:
    return LiveCall.model_validate(agent.live_call) if agent.live_call is not None else None


def is_on_leg(agent: Agent, leg: str) -> bool:
    """Whether ``leg`` is the channel of the agent's telephone in their call."""
    return agent.live_call is not None and agent.live_call["leg"] == leg


def new_call(agent_leg: str, call_id: str, direction: Direction, state: CallState, **more: Any) -> LiveCall:
    return LiveCall(call_id=call_id, leg=agent_leg, direction=direction, state=state, since=now().isoformat(), **more)


async def put_live_call(session: AsyncSession, agent: Agent, call: LiveCall | None, *, tell: bool = True) -> None:
    """From now on this is the call of the agent, whose row the session holds; None: it is over. ``tell``: False where
    another message says it."""
    before = live_call_of(agent)
    if before == call:
        return
    agent.live_call = call.model_dump(mode="json") if call else None
    after = call or (before.changed(state=CallState.ENDED) if before else None)
    if tell and after is not None:
        was = before.model_dump(mode="json") if before and before.leg == after.leg else None
        await messages.tell(session, agent, CALL, before=was, after=after.model_dump(mode="json"))
