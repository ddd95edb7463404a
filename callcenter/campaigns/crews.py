"""Who could talk with people a campaign calls, and how its calls went of late (callcenter.campaigns.agent_pacing)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import agent_queries
from callcenter.campaigns.agent_pacing import Crew, Experience, predictive, progressive
from callcenter.campaigns.rules import Pacing
from callcenter.queues import queries as queues

REMEMBERED = timedelta(minutes=30)
"""By which the share of abandoned calls is judged."""
READ_AGAIN = timedelta(seconds=5)


class Crews:
    """What one engine knows of the agents of all campaigns: an agent who serves two is not counted for both at once."""

    def __init__(self) -> None:
        self._experience: dict[UUID, tuple[datetime, Experience]] = {}
        self._taken: set[str] = set()

    def begin(self) -> None:
        """A new tick: nobody is taken."""
        self._taken.clear()

    async def room(self, session: AsyncSession, campaign_id: UUID, pacing: Pacing, at: datetime) -> int:
        """How many calls of the campaign may begin now."""
        if pacing.queue is None:
            return 0
        under_way = await agent_queries.list_under_way(session, pacing.queue)
        free = sorted(await queues.list_free_members(session, pacing.queue, besides=under_way.ids) - self._taken)
        crew = Crew(free=len(free), talking=under_way.with_agent)
        wanted = await self._wanted(session, campaign_id, pacing, crew, at)
        self._taken.update(free[:wanted])
        return wanted - under_way.without_agent

    async def _wanted(self, session: AsyncSession, campaign_id: UUID, pacing: Pacing, crew: Crew, at: datetime) -> int:
        if pacing.mode == "progressive":
            return progressive(crew)
        known = self._experience.get(campaign_id)
        if known is None or not known[0] <= at < known[0] + READ_AGAIN:
            experience = await agent_queries.read_experience(session, campaign_id, since=at - REMEMBERED)
            known = self._experience[campaign_id] = (at, experience)
        return predictive(crew, known[1], abandon_percent=pacing.abandon_percent)
