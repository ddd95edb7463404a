"""SQL of calls out that an agent is to take."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, extract, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Activity, Agent
from callcenter.campaigns.agent_pacing import Experience
from callcenter.campaigns.models import CONVERSATIONS, Campaign, CampaignAttempt, CampaignState, Channel, Outcome
from callcenter.queues.models import QueueMembership, WaitingCaller

_SERVED = (Activity.RINGING, Activity.ON_CALL)
_NEVER_RANG = (Outcome.NOT_PLACED, Outcome.NETWORK_FAILURE)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Calls of a queue's campaigns that are not over."""

    ids: Collection[str]
    with_agent: int
    """An agent talks with the person, or is being rung for them."""

    @property
    def without_agent(self) -> int:
        return len(self.ids) - self.with_agent


async def list_under_way(session: AsyncSession, queue_name: str) -> UnderWay:
    """Of all campaigns whose people this queue's agents take."""
    query = (
        select(CampaignAttempt.id, Agent.id)
        .join(Campaign, Campaign.id == CampaignAttempt.campaign_id)
        .outerjoin(Agent, (Agent.activity_call_id == CampaignAttempt.id) & Agent.activity.in_(_SERVED))
        .where(
            CampaignAttempt.is_open,
            CampaignAttempt.channel == Channel.TELEPHONE.value,
            Campaign.pacing["queue"].astext == queue_name,
            Campaign.pacing["mode"].astext != "automatic",
        )
    )
    served = dict.fromkeys((await session.execute(query)).all())
    ids = {row[0] for row in served}
    return UnderWay(ids, len({row[0] for row in served if row[1] is not None}))


async def read_experience(session: AsyncSession, campaign_id: UUID, *, since: datetime) -> Experience:
    """Of the calls that were claimed since then and are over."""
    answered = CampaignAttempt.outcome.in_(sorted(CONVERSATIONS))
    ring = extract("epoch", CampaignAttempt.answered_at - CampaignAttempt.dialled_at)
    talk = extract("epoch", CampaignAttempt.ended_at - CampaignAttempt.answered_at)
    query = select(
        func.count(),
        func.count().filter(answered),
        func.count().filter(CampaignAttempt.outcome == Outcome.ABANDONED_BY_US),
        func.avg(ring).filter(answered),
        func.avg(talk).filter(CampaignAttempt.outcome == Outcome.COMPLETED),
    ).where(
        CampaignAttempt.campaign_id == campaign_id,
        CampaignAttempt.claimed_at >= since,
        CampaignAttempt.outcome.is_not(None),
        CampaignAttempt.outcome.not_in(_NEVER_RANG),
        CampaignAttempt.channel == Channel.TELEPHONE.value,
    )
    dialled, taken, abandoned, ring_seconds, talk_seconds = (await session.execute(query)).one()
    before = Experience()
    return Experience(
        dialled=dialled,
        answered=taken,
        abandoned=abandoned,
        ring_seconds=before.ring_seconds if ring_seconds is None else float(ring_seconds),
        talk_seconds=before.talk_seconds if talk_seconds is None else float(talk_seconds),
    )


# -- preview


async def list_preview_campaigns(session: AsyncSession, agent_id: UUID, at: datetime) -> Sequence[Campaign]:
    """Those that run now and whose queue the agent serves, the most important first."""
    serves = exists().where(
        QueueMembership.agent_id == agent_id, QueueMembership.queue_name == Campaign.pacing["queue"].astext
    )
    query = select(Campaign).where(
        Campaign.state == CampaignState.RUNNING,
        Campaign.pacing["mode"].astext == "preview",
        Campaign.starts_at <= at,
        Campaign.ends_at > at,
        serves,
    )
    return (await session.scalars(query.order_by(Campaign.priority.desc(), Campaign.id))).all()


async def find_offered(session: AsyncSession, agent_number: str, at: datetime) -> CampaignAttempt | None:
    """What the agent looks at."""
    query = select(CampaignAttempt).where(
        CampaignAttempt.is_open, CampaignAttempt.agent_number == agent_number, CampaignAttempt.offered_until > at
    )
    return (await session.scalars(query.order_by(CampaignAttempt.claimed_at).limit(1))).first()


async def has_callers_waiting(session: AsyncSession, agent_id: UUID) -> bool:
    """In any of the agent's queues."""
    query = (
        select(WaitingCaller.uniqueid)
        .join(QueueMembership, QueueMembership.queue_name == WaitingCaller.queue_name)
        .where(QueueMembership.agent_id == agent_id)
        .limit(1)
    )
    return (await session.scalars(query)).first() is not None
