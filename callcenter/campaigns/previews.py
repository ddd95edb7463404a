"""Preview dialling: an agent sees the contact, then dials or skips with a reason.

What is offered is an attempt already, so that nobody else calls the person meanwhile; it is dialled once, by the
agent's word, or given up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Activity, Agent
from callcenter.asterisk.campaign_commands import PlacePreviewCall
from callcenter.asterisk.channel_ids import DialKind
from callcenter.asterisk.commands import request_command
from callcenter.asterisk.models import PbxCommand
from callcenter.campaigns import agent_queries, placing, queries
from callcenter.campaigns.called_by_agents import Called, find_called
from callcenter.campaigns.errors import AgentIsBusy, CallersWait, NothingOffered
from callcenter.campaigns.models import Campaign, CampaignAttempt, CampaignContact, CampaignState, ContactResult
from callcenter.campaigns.placing import Decided, Dialling
from callcenter.campaigns.rules import Pacing
from callcenter.core.phone_numbers import NumberPlan

GOOD_FOR = timedelta(minutes=5)
"""An agent who goes away keeps nobody from being called."""
_LOOKED_AT = 20


class Skip(StrEnum):
    """Why an agent does not call."""

    LATER = "later"
    DONE_OTHERWISE = "done_otherwise"
    NOT_SUITABLE = "not_suitable"


_AGAIN_AFTER: Mapping[Skip, timedelta | None] = {
    Skip.LATER: timedelta(hours=1),
    Skip.DONE_OTHERWISE: None,
    Skip.NOT_SUITABLE: None,
}
"""None: the contact is over."""


@dataclass(frozen=True, slots=True)
class Offer:
    """``called``: who, and what is to be said. ``until``: when it goes back to the others."""

    attempt_id: str
    called: Called
    until: datetime


async def has_campaigns(session: AsyncSession, agent: Agent, at: datetime) -> bool:
    """Whether a campaign runs whose contacts this agent may be offered."""
    return bool(await agent_queries.list_preview_campaigns(session, agent.id, at))


async def find_offer(session: AsyncSession, agent: Agent, at: datetime) -> Offer | None:
    """What the agent was offered and has not decided on."""
    attempt = await agent_queries.find_offered(session, agent.number, at)
    return await _offer(session, attempt) if attempt is not None else None


async def offer(session: AsyncSession, agent: Agent, dialling: Dialling, at: datetime) -> Offer | None:
    """The next contact of the most important campaign, or the one that was offered already; None: nobody is due.

    Raises AgentIsBusy, CallersWait: who phoned comes first.
    """
    known = await find_offer(session, agent, at)
    if known is not None:
        return known
    if agent.activity not in (Activity.IDLE, Activity.WRAP_UP):
        raise AgentIsBusy
    if await agent_queries.has_callers_waiting(session, agent.id):
        raise CallersWait
    for campaign in await agent_queries.list_preview_campaigns(session, agent.id, at):
        for contact in await queries.lock_due(session, campaign.id, at, limit=_LOOKED_AT):
            for attempt_id in await placing.claim(session, campaign, [contact], dialling, at, kind=DialKind.PREVIEW):
                attempt = await session.get_one(CampaignAttempt, attempt_id, populate_existing=True)
                attempt.agent_number, attempt.offered_until = agent.number, at + GOOD_FOR
                await session.flush()
                return await _offer(session, attempt)
    return None


async def dial(session: AsyncSession, agent: Agent, plan: NumberPlan, at: datetime) -> tuple[PbxCommand, str]:
    """Ring the agent's telephone, then the person; the command and the id that the call will have.

    Raises NothingOffered, AgentIsBusy, CallersWait.
    """
    campaign, _contact, attempt = await _offered(session, agent, at)
    if (
        agent.seat_name is None
        or agent.live_call is not None
        or agent.activity not in (Activity.IDLE, Activity.WRAP_UP)
    ):
        raise AgentIsBusy
    if await agent_queries.has_callers_waiting(session, agent.id):
        raise CallersWait
    attempt.offered_until, attempt.claimed_at = None, at
    command = PlacePreviewCall(
        attempt=attempt.id,
        seat=agent.seat_name,
        number=plan.to_dial(attempt.address),
        did=campaign.caller_id,
        ring_seconds=Pacing.model_validate(campaign.pacing).ring_seconds,
    )
    row = await request_command(session, attempt.pbx, command, cause="campaign")
    await session.flush()  # its number is told
    return row, attempt.id


async def skip(session: AsyncSession, agent: Agent, reason: Skip, at: datetime) -> str:
    """Nobody is called; the contact waits, or is over; what was offered. Raises NothingOffered."""
    campaign, contact, attempt = await _offered(session, agent, at)
    await queries.delete_attempts(session, [attempt.id])
    decided = Decided(campaign, at)
    again_after = _AGAIN_AFTER[reason]
    if again_after is not None:
        decided.wait_again(contact, f"skipped_{reason.value}", at + again_after)
    else:
        decided.finish(contact, ContactResult.WITHDRAWN, f"skipped_{reason.value}")
    await queries.insert_decisions(session, decided.rows)
    return attempt.id


async def _offered(
    session: AsyncSession, agent: Agent, at: datetime
) -> tuple[Campaign, CampaignContact, CampaignAttempt]:
    known = await agent_queries.find_offered(session, agent.number, at)
    found = await queries.lock_attempts(session, [known.id]) if known is not None else ()
    for contact, attempt in found:
        campaign = await queries.find_campaign(session, contact.campaign_id)
        is_offered = attempt.is_open and attempt.offered_until is not None
        if campaign is not None and is_offered and campaign.state == CampaignState.RUNNING:
            return campaign, contact, attempt
    raise NothingOffered


async def _offer(session: AsyncSession, attempt: CampaignAttempt) -> Offer:
    called = await find_called(session, [attempt.id])
    if called is None or attempt.offered_until is None:
        raise LookupError("an offer without its contact")
    return Offer(attempt.id, called, attempt.offered_until)
