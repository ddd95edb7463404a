"""Which work orders an asker may see and handle."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.queues import queries as queue_queries
from callcenter.workorders.queries import WorkOrderScope

HANDLERS = (Role.SUPERVISOR, Role.QUALITY)
"""Who answers complaints; agents handle the work orders of their queues."""


async def scope_of(session: AsyncSession, access: Access) -> WorkOrderScope:
    """Quality, programmes and supervisors without a scope all; supervisors their queues, agents those they are
    members of."""
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    queues: frozenset[str] | None = None
    sees_all = access.has(Role.QUALITY, Role.INTEGRATION)
    if not sees_all and not (access.has(Role.SUPERVISOR) and not access.queue_scope):
        places = await queue_queries.list_memberships(session, agent.id) if agent else ()
        steered = access.queue_scope if access.has(Role.SUPERVISOR) else frozenset()
        queues = steered | {place.queue_name for place in places}
    return WorkOrderScope(
        queues=queues, handles_complaints=access.has(*HANDLERS), agent_number=agent.number if agent else None
    )
