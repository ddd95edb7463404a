"""What the flow of an answered attempt is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import spoken
from callcenter.campaigns.models import Campaign, CampaignAttempt, CampaignContact
from callcenter.patients.models import Patient
from callcenter.speech.service import SpokenSound


@dataclass(frozen=True, slots=True)
class OutCall:
    """``sounds``: by the text's name. ``birth_date``: YYYYMMDD, or empty when it is not known."""

    flow: str
    e164: str
    patient_id: UUID | None
    birth_date: str
    sounds: Mapping[str, tuple[SpokenSound, ...]]


async def find(session: AsyncSession, attempt_id: str) -> OutCall | None:
    """Of an attempt that is open; None: of any other."""
    query = (
        select(Campaign, CampaignContact, CampaignAttempt.address, Patient.birth_date)
        .join(CampaignContact, CampaignContact.campaign_id == Campaign.id)
        .join(CampaignAttempt, CampaignAttempt.contact_id == CampaignContact.id)
        .outerjoin(Patient, Patient.id == CampaignContact.patient_id)
        .where(CampaignAttempt.id == attempt_id, CampaignAttempt.is_open)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    campaign, contact, address, birth_date = row
    sounds = await spoken.list_sounds(session, campaign, contact)
    born_on = birth_date.strftime("%Y%m%d") if birth_date else ""
    return OutCall(campaign.flow, address, contact.patient_id, born_on, sounds)
