"""Campaigns that find their people, and the patients they find."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts.policy import Home
from callcenter.campaigns.models import Campaign, CampaignContact
from callcenter.campaigns.rules import Pacing, RetryRules, Windows
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.patients.models import Patient, PatientNumber
from callcenter.queues.models import Did, Queue

ZONE = ZoneInfo("Asia/Shanghai")
HOME = Home("CN", ZONE)
PLAN = NumberPlan("CN", "0571")
PBX = "main"
ALL_DAY = {"week": [["00:00-24:00"]] * 7, "on_holidays": True}
GREETING = {"spoken": {"greeting": {"zh": "您好，请问是{name}吗？"}}}


def local(text: str, zone: ZoneInfo = ZONE) -> datetime:
    """An instant as the hospital's clock shows it, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


async def given_campaign(session: AsyncSession, **changes: Any) -> Campaign:
    """Running since long ago, at all hours."""
    if await session.get(Did, "8000") is None:
        if await session.get(Queue, "consultation") is None:
            session.add(Queue(name="consultation", label_zh="咨询", label_en="Consultation"))
            await session.flush()
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="consultation"))
        await session.flush()
    long_ago = local("2020-01-01")
    values: dict[str, Any] = {
        "id": new_id(),
        "name": "test",
        "kind": "reminder",
        "state": "running",
        "priority": 0,
        "pbx": PBX,
        "caller_id": "8000",
        "flow": "campaign_reminder",
        "texts": GREETING,
        "channels": ["telephone"],
        "zone": ZONE.key,
        "windows": Windows.model_validate(ALL_DAY).model_dump(mode="json"),
        "pacing": Pacing().model_dump(mode="json"),
        "retry": RetryRules().model_dump(mode="json"),
        "starts_at": long_ago,
        "ends_at": local("2040-01-01"),
        "created_at": long_ago,
        "created_by": "test",
        "changed_at": long_ago,
        "changed_by": "test",
        "version": 1,
        **changes,
    }
    campaign = Campaign(**values)
    session.add(campaign)
    await session.flush()
    return campaign


async def given_patient(session: AsyncSession, external_id: str, **values: Any) -> Patient:
    """With one number of their own, made from the id, unless ``numbers`` says otherwise."""
    numbers: Mapping[str, str] = values.pop("numbers", {f"+86139{external_id[1:].zfill(8)}": "self"})
    at = local("2020-01-01")
    patient = Patient(external_id=external_id, created_at=at, updated_at=at, **{"name": external_id, **values})
    session.add(patient)
    await session.flush()
    session.add_all(PatientNumber(e164=e164, patient_id=patient.id, relation=of) for e164, of in numbers.items())
    await session.flush()
    return patient


async def list_contacts(session: AsyncSession, campaign_id: UUID) -> list[CampaignContact]:
    query = select(CampaignContact).where(CampaignContact.campaign_id == campaign_id)
    return list(await session.scalars(query.order_by(CampaignContact.key)))
