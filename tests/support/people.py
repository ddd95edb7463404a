"""Agents at their seats, queues, and what is asked of the PBX for them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.models import Role
from callcenter.agents import messages
from callcenter.agents import service as agents
from callcenter.agents.models import Agent, AgentMessage, AgentStateChange, Cause, PauseReason, Seat
from callcenter.asterisk.command_table import ALL_COMMANDS
from callcenter.asterisk.commands import Command
from callcenter.asterisk.models import PbxCommand
from callcenter.callouts.policy import Home
from callcenter.core.db import Database
from callcenter.queues.models import Queue, QueueMembership
from tests.support.api import given_log_in

PBX = "pbx1"
HOME = Home("CN", ZoneInfo("Asia/Shanghai"))
KEY = "key-of-the-test"
PIN = "4711"
BY_AGENT: dict[str, Any] = {"cause": Cause.AGENT, "actor_name": "li.na"}
"""Who wants it, for agents.service and (with ``pbx``) queues.service."""


async def given_seats(session: AsyncSession, *names: str, registered: bool = True) -> None:
    """With a telephone at each."""
    for name in names:
        seat = await agents.create_seat(session, name=name, label=name)
        seat.registered = registered
    await session.flush()


async def given_reason(session: AsyncSession, code: str, *, digit: str | None = None, active: bool = True) -> None:
    session.add(PauseReason(code=code, label_zh=code, label_en=code, digit=digit, active=active))
    await session.flush()


async def given_queue(session: AsyncSession, name: str, **values: object) -> Queue:
    queue = Queue(**({"name": name, "label_zh": name, "label_en": name} | values))
    session.add(queue)
    await session.flush()
    return queue


async def given_agent(
    session: AsyncSession, number: str = "1001", *, queues: Sequence[str] = (), user_id: UUID | None = None
) -> Agent:
    """Logged out; a member of ``queues``, which must exist."""
    agent = await agents.create_agent(session, number=number, display_name=f"坐席{number}", pin=PIN, key=KEY)
    agent.user_id = user_id
    session.add_all(QueueMembership(queue_name=name, agent_id=agent.id, penalty=0) for name in queues)
    await session.flush()
    return agent


async def asker(
    database: Database,
    *roles: Role,
    agent: str | None = None,
    queues: tuple[str, ...] = (),
    scope: tuple[str, ...] = (),
) -> dict[str, str]:
    """``agent``: also an agent of this number, member of ``queues``; ``scope``: the queues a supervisor steers."""
    async with database.transaction() as session:
        user_id, token = await given_log_in(session, *roles, queue_scope=scope)
        if agent:
            await given_agent(session, agent, queues=queues, user_id=user_id)
    return {"Authorization": f"Bearer {token}"}


async def state_of(database: Database, number: str = "1001") -> Agent:
    async with database.transaction() as session:
        return await agents.get_agent(session, number)


async def history_of(database: Database, number: str = "1001") -> list[AgentStateChange]:
    """Oldest first. Fails if the numbering of what the desk was told has a hole, or a change was not told to it."""
    query = select(AgentStateChange).join(Agent, Agent.id == AgentStateChange.agent_id).where(Agent.number == number)
    async with database.transaction() as session:
        changes = list(await session.scalars(query.order_by(AgentStateChange.sequence, AgentStateChange.id)))
        agent = await agents.get_agent(session, number)
        told = await messages_of(session, agent)
    assert [message.sequence for message in told] == list(range(1, agent.sequence + 1))
    assert [one.sequence for one in changes] == [one.sequence for one in told if one.type == messages.STATE]
    return changes


async def messages_of(session: AsyncSession, agent: Agent) -> list[AgentMessage]:
    """What the agent's desk was told, oldest first."""
    query = select(AgentMessage).where(AgentMessage.agent_id == agent.id).order_by(AgentMessage.sequence)
    return list(await session.scalars(query))


async def registered_seats(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Seat.name).where(Seat.registered).order_by(Seat.name)))


async def commands_of(database: Database) -> list[Command]:
    """What was asked of the PBX, in order, whatever became of it."""
    async with database.transaction() as session:
        rows = await session.scalars(select(PbxCommand).order_by(PbxCommand.id))
        return [ALL_COMMANDS[row.action].model_validate(row.arguments) for row in rows]
