"""Which calls an asker may see."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.calls.search import CallScope


async def call_scope_of(session: AsyncSession, access: Access) -> CallScope:
    """Quality and programmes see all calls, a supervisor those of the queues steered, an agent those talked in."""
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    return CallScope(
        everything=access.has(Role.QUALITY, Role.INTEGRATION)
        or (access.has(Role.SUPERVISOR) and not access.queue_scope),
        queues=access.queue_scope if access.has(Role.SUPERVISOR) else frozenset(),
        agent_number=agent.number if agent else None,
    )
