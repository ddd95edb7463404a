"""A campaign from draft to its end: what staff set, change, start and stop. All of it audited."""

from datetime import datetime
from functools import cache
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
from callcenter.campaigns.models import Campaign, CampaignState, Channel, ContactResult
from callcenter.campaigns.rules import Pacing, Texts
from callcenter.core.audit import SYSTEM, Actor, record_audit
from callcenter.queues import service as queues

LEFT_OVER_AT_ONCE = 5_000
"""The rest is the engine's work, tick by tick."""
OVER = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED})
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
    if campaign.state in OVER:
        raise CampaignOver
    if campaign.version != version:
        raise CampaignChanged(version=campaign.version)
    same_texts = Texts.model_validate(values["texts"]) == Texts.model_validate(campaign.texts)
    if campaign.started_at is not None and not same_texts:
        raise WrongCampaignState("The texts of a campaign that has begun cannot be changed.", state=campaign.state)
    with session.no_autoflush:  # the database refuses with less to say
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
    if wanted in OVER:
        await finish_left_over(session, campaign, at)
    return campaign


async def finish_if_over(session: AsyncSession, campaign: Campaign, at: datetime) -> None:
    """One that began is over when its time is, once its last calls have ended. Contacts may come until then."""
    if at >= campaign.ends_at and not await queries.has_open_attempts(session, campaign.id):
        _move(session, SYSTEM, campaign, CampaignState.FINISHED, at)
        await finish_left_over(session, campaign, at)


async def finish_left_over(session: AsyncSession, campaign: Campaign, at: datetime) -> int:
    """Of a campaign that is over: finish contacts who still wait, as many as one transaction bears; how many."""
    result, reason = end_of_contacts(campaign)
    return await queries.finish_left_over(
        session, campaign.id, at, result=result, reason=reason, limit=LEFT_OVER_AT_ONCE
    )


def end_of_contacts(campaign: Campaign) -> tuple[ContactResult, str]:
    """What becomes of those whom a campaign that is over did not come to."""
    if campaign.state == CampaignState.CANCELLED:
        return ContactResult.WITHDRAWN, "campaign_cancelled"
    ended_early = campaign.finished_at is not None and campaign.finished_at < campaign.ends_at
    return (ContactResult.WITHDRAWN, "campaign_finished") if ended_early else (ContactResult.UNREACHABLE, "too_late")


def _move(session: AsyncSession, actor: Actor, campaign: Campaign, wanted: CampaignState, at: datetime) -> None:
    record_audit(
        session, actor, "campaigns.set_state", subject_id=str(campaign.id), before=campaign.state, after=wanted.value
    )
    campaign.state, campaign.changed_at, campaign.changed_by = wanted, at, actor.name
    if wanted in OVER:
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
    if len(set(channels)) < len(channels):
        raise InvalidCampaign("Each channel stands once.", reason="channels")
    if (Channel.EMAIL in channels and texts.email is None) or (Channel.SMS in channels and texts.sms is None):
        raise InvalidCampaign("There is no text for one of its channels.", reason="texts")
    pacing = Pacing.model_validate(campaign.pacing)
    if pacing.queue is not None:
        await queues.get_queue(session, pacing.queue)
    if pacing.machine == "leave_message" and "machine" not in texts.spoken:
        raise InvalidCampaign("There is no text for answering machines.", reason="texts")


def is_zone(name: str) -> bool:
    """Whether it is an IANA name of a time zone."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    """Read from hundreds of files."""
    return frozenset(available_timezones())


# -- the governor's limits


async def get_limits(session: AsyncSession) -> Limits:
    found = await queries.find_limits(session)
    return Limits.model_validate(found.limits) if found else DEFAULT_LIMITS


async def put_limits(session: AsyncSession, actor: Actor, limits: Limits) -> None:
    """From the next dial on, for all campaigns."""
    await queries.put_limits(session, limits.model_dump())
    record_audit(session, actor, "campaigns.put_limits", **limits.model_dump())
