"""Which recordings the asker of a request may hear."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.calls.recordings import RecordingScope
from callcenter.queues import queries as queue_queries


async def recording_scope(session: AsyncSession, access: Access) -> RecordingScope:
    """Admin and quality hear all, supervisors what belongs to their queues, agents the messages of theirs and their own
    conversations."""
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    places = await queue_queries.list_memberships(session, agent.id) if agent else ()
    return RecordingScope(
        everything=access.has(Role.QUALITY) or (access.has(Role.SUPERVISOR) and not access.queue_scope),
        steered=access.queue_scope if access.has(Role.SUPERVISOR) else frozenset(),
        own_queues=frozenset(place.queue_name for place in places),
        agent_number=agent.number if agent else None,
    )
