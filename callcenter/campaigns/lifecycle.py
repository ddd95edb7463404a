"""A campaign from draft to its end: what staff set, change, start and stop. All of it audited."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import queries, unsent
from callcenter.campaigns.errors import (
    CampaignChanged,
    CampaignNotFound,
    CampaignOver,
    InvalidCampaign,
    WrongCampaignState,
)
from callcenter.campaigns.governor import DEFAULT_LIMITS, Limits
from callcenter.campaigns.models import Campaign, CampaignState, Channel
from callcenter.campaigns.rules import Pacing, Texts
from callcenter.core.audit import SYSTEM, Actor, record_audit
from callcenter.queues import service as queues

_OVER = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED})
_MAY_BECOME: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.RUNNING, CampaignState.CANCELLED}),
    CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.CANCELLED, CampaignState.FINISHED}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.CANCELLED, CampaignState.FINISHED}),
    CampaignState.FINISHED: frozenset(),
    CampaignState.CANCELLED: frozenset(),
}


async def get_campaign(session: AsyncSession, campaign_id: UUID, *, lock: bool = False) -> Campaign:
    """Raises CampaignNotFound."""
    campaign = await queries.find_campaign(session, campaign_id, lock=lock)
    if campaign is None:
        raise CampaignNotFound
    return campaign


async def create_campaign(
    session: AsyncSession, actor: Actor, values: dict[str, Any], *, pbx: str, at: datetime
) -> Campaign:
    """A draft. Raises InvalidCampaign."""
    campaign = Campaign(
        **values,
        state=CampaignState.DRAFT,
        pbx=pbx,
        created_at=at,
        created_by=actor.name,
        changed_at=at,
        changed_by=actor.name,
        version=1,
        started_at=None,
        finished_at=None,
    )
    await _check(session, campaign)
    session.add(campaign)
    await session.flush()
    record_audit(session, actor, "campaigns.create", subject_id=str(campaign.id), kind=campaign.kind)
    return campaign


async def change_campaign(
    session: AsyncSession, actor: Actor, campaign_id: UUID, values: dict[str, Any], *, version: int, at: datetime
) -> Campaign:
    """Effective on the next dial. Texts of a campaign that has begun stay: contacts were told them already.

    Raises CampaignNotFound, CampaignOver, CampaignChanged (``version`` is not the one that stands), InvalidCampaign.
    """
    campaign = await get_campaign(session, campaign_id, lock=True)
    if campaign.state in _OVER:
        raise CampaignOver
    if campaign.version != version:
        raise CampaignChanged(version=campaign.version)
    if campaign.started_at is not None and values["texts"] != campaign.texts:
        raise WrongCampaignState("The texts of a campaign that has begun cannot be changed.", state=campaign.state)
    for name, value in values.items():
        setattr(campaign, name, value)
    campaign.version, campaign.changed_at, campaign.changed_by = version + 1, at, actor.name
    await _check(session, campaign)
    record_audit(session, actor, "campaigns.change", subject_id=str(campaign.id), version=campaign.version)
    return campaign


async def set_state(
    session: AsyncSession, actor: Actor, campaign_id: UUID, wanted: CampaignState, at: datetime
) -> Campaign:
    """Asking for the state it is in changes nothing. Raises CampaignNotFound, WrongCampaignState, InvalidCampaign."""
    if wanted is not CampaignState.RUNNING:
        await unsent.stop(session, campaign_id, at)  # first: who records a sending locks in this order
    campaign = await get_campaign(session, campaign_id, lock=True)
    if campaign.state == wanted:
        return campaign
    if wanted not in _MAY_BECOME[CampaignState(campaign.state)]:
        raise WrongCampaignState(state=campaign.state, wanted=wanted.value)
    if wanted is CampaignState.RUNNING:
        await _check(session, campaign)
        campaign.started_at = campaign.started_at or at
    _move(session, actor, campaign, wanted, at)
    return campaign


async def finish_if_over(session: AsyncSession, campaign: Campaign, at: datetime) -> None:
    """One that ran is over when its time is, or when it was started and nobody is left in it."""
    if at >= campaign.ends_at and not await queries.has_open_attempts(session, campaign.id):
        _move(session, SYSTEM, campaign, CampaignState.FINISHED, at)
        await queries.finish_left_over(session, campaign.id, at)


def _move(session: AsyncSession, actor: Actor, campaign: Campaign, wanted: CampaignState, at: datetime) -> None:
    record_audit(
        session, actor, "campaigns.set_state", subject_id=str(campaign.id), before=campaign.state, after=wanted.value
    )
    campaign.state, campaign.changed_at, campaign.changed_by = wanted, at, actor.name
    if wanted in _OVER:
        campaign.finished_at = at


async def _check(session: AsyncSession, campaign: Campaign) -> None:
    """Raises InvalidCampaign for what a campaign names and nobody has."""
    if campaign.ends_at <= campaign.starts_at:
        raise InvalidCampaign("It must end after it starts.", reason="validity")
    if not is_zone(campaign.zone):
        raise InvalidCampaign("There is no such time zone.", reason="zone")
    if campaign.caller_id not in await queries.list_did_numbers(session):
        raise InvalidCampaign("The number to show is none of ours.", reason="caller_id")
    texts, channels = Texts.model_validate(campaign.texts), campaign.channels
    if (Channel.EMAIL in channels and texts.email is None) or (Channel.SMS in channels and texts.sms is None):
        raise InvalidCampaign("There is no text for one of its channels.", reason="texts")
    queue = Pacing.model_validate(campaign.pacing).queue
    if queue is not None:
        await queues.get_queue(session, queue)


def is_zone(name: str) -> bool:
    """Whether it is an IANA name of a time zone."""
    return name in available_timezones()


# -- the governor's limits


async def get_limits(session: AsyncSession) -> Limits:
    found = await queries.find_limits(session)
    return Limits.model_validate(found.limits) if found else DEFAULT_LIMITS


async def put_limits(session: AsyncSession, actor: Actor, limits: Limits) -> None:
    """From the next dial on, for all campaigns."""
    await queries.put_limits(session, limits.model_dump())
    record_audit(session, actor, "campaigns.put_limits", **limits.model_dump())
