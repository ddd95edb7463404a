"""A supervisor's message to one agent, or to all of a queue, at their desks."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.agents import messages
from callcenter.agents.models import Agent, Wanted
from callcenter.core.logging import mask
from callcenter.queues.models import QueueMembership

MESSAGE = "message"


async def tell(session: AsyncSession, access: Access, recipients: Collection[Agent], text: str) -> None:
    """The message is numbered and kept with each agent's others. Long numbers are masked: it is kept for a day."""
    after = {"from": access.actor.name, "text": mask(text)}
    for agent in sorted(recipients, key=lambda one: one.number):
        await messages.publish(session, agent, MESSAGE, before=None, after=after)


async def list_present(session: AsyncSession, queues: Collection[str] | None) -> list[Agent]:
    """Who is logged in and serves one of these queues; None: anybody who is logged in."""
    query = select(Agent).where(Agent.wanted != Wanted.LOGGED_OUT).order_by(Agent.number)
    if queues is not None:
        members = select(QueueMembership.agent_id).where(QueueMembership.queue_name.in_(sorted(queues)))
        query = query.where(Agent.id.in_(members))
    return list(await session.scalars(query))
