"""Whom an agent talks with in a call that a campaign made: the contact, and what is to be said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.models import Campaign, CampaignAttempt, CampaignContact
from callcenter.campaigns.rules import Pacing, Texts
from callcenter.campaigns.texts import contact_variables, fill
from callcenter.core.conditions import one_of


@dataclass(frozen=True, slots=True)
class Called:
    """``queue_name`` None: a call of the flow's. ``script``: in the contact's language; empty: there is none."""

    campaign_id: UUID
    campaign_name: str
    kind: str
    queue_name: str | None
    contact_id: UUID
    contact_name: str
    patient_id: UUID | None
    e164: str
    did: str
    claimed_at: datetime
    variables: Mapping[str, str]
    script: str


async def find_called(session: AsyncSession, call_ids: Collection[str]) -> Called | None:
    """The attempt among these calls; None: no campaign made them."""
    query = (
        select(Campaign, CampaignContact, CampaignAttempt)
        .join(CampaignContact, CampaignContact.campaign_id == Campaign.id)
        .join(CampaignAttempt, CampaignAttempt.contact_id == CampaignContact.id)
        .where(one_of(CampaignAttempt.id, call_ids))
        .limit(1)
    )
    row = (await session.execute(query)).first()
    if row is None:
        return None
    campaign, contact, attempt = row
    return Called(
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        kind=campaign.kind,
        queue_name=Pacing.model_validate(campaign.pacing).queue,
        contact_id=contact.id,
        contact_name=contact.name,
        patient_id=contact.patient_id,
        e164=attempt.address,
        did=campaign.caller_id,
        claimed_at=attempt.claimed_at,
        variables=contact_variables(contact),
        script=_script(campaign, contact),
    )


def _script(campaign: Campaign, contact: CampaignContact) -> str:
    script = Texts.model_validate(campaign.texts).script
    if script is None:
        return ""
    try:
        return fill(script.of(contact.language), contact_variables(contact))
    except UnknownVariable:  # the agent reads what there is
        return script.of(contact.language)
