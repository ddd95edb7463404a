"""What is dialled by: the rules over all campaigns, and the days that differ."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts.policy import Home
from callcenter.campaigns import lifecycle, standings
from callcenter.campaigns.placing import Dialling
from callcenter.core.phone_numbers import NumberPlan


async def read(session: AsyncSession, pbx: str, home: Home, plan: NumberPlan, at: datetime) -> Dialling:
    """As they are at ``at``."""
    limits = await lifecycle.get_limits(session)
    return Dialling(pbx, home, plan, limits, await standings.days_around(session, at, home))
