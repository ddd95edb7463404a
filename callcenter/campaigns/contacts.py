"""Whom a campaign is for: contacts put in one by one or by the thousand, taken out again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import queries, unsent
from callcenter.campaigns.errors import CampaignOver, ContactNotFound
from callcenter.campaigns.lifecycle import get_campaign, is_zone
from callcenter.campaigns.models import CampaignContact, CampaignState, Channel, ContactResult, ContactState
from callcenter.campaigns.placing import decision_row, finish
from callcenter.campaigns.respondents import Status
from callcenter.core.audit import Actor, record_audit
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class NewContact:
    """As it came from outside. ``numbers``: as people write them, in the order in which they are tried."""

    key: str
    name: str = ""
    language: str = "zh"
    zone: str | None = None
    numbers: Sequence[str] = ()
    email: str | None = None
    patient_id: UUID | None = None
    appointment_id: UUID | None = None
    variables: Mapping[str, str] | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """``index``: among those given. ``reason``: ``number`` (not readable), ``unreachable`` (nothing to reach it by),
    ``repeated`` (the key stands twice here), ``exists`` (it is in the campaign), ``patient`` (there is none such),
    ``appointment`` (there is none such of this patient), ``zone`` (there is none such).
    """

    index: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Added:
    added: int
    rejected: Sequence[Rejected]


async def add_contacts(
    session: AsyncSession,
    actor: Actor,
    campaign_id: UUID,
    given: Sequence[NewContact],
    *,
    plan: NumberPlan,
    at: datetime,
) -> Added:
    """Those that can be; the others are named. The same key again changes nothing.

    Raises CampaignNotFound, CampaignOver.
    """
    campaign = await get_campaign(session, campaign_id)
    if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
        raise CampaignOver
    rejected: list[Rejected] = []
    rows: dict[str, tuple[int, dict[str, Any]]] = {}
    channels = [Channel(channel) for channel in campaign.channels]
    patients = await queries.list_known_patients(session, {one.patient_id for one in given if one.patient_id})
    appointments = await queries.list_known_appointments(
        session, {one.appointment_id for one in given if one.appointment_id}
    )
    for index, one in enumerate(given):
        row, reason = new_row(one, campaign_id, channels, plan, at)
        if reason is None:
            reason = _reason_against(one, patients, appointments)
        if reason is None and one.key in rows:
            reason = "repeated"
        if reason is not None:
            rejected.append(Rejected(index, one.key, reason))
            continue
        rows[one.key] = index, row
    for (_, row), contact_id in zip(rows.values(), sorted(new_id() for _ in rows), strict=True):
        row["id"] = contact_id  # in the order in which they came
    made = await queries.insert_contacts(session, [row for _, row in rows.values()])
    rejected += [Rejected(index, key, "exists") for key, (index, _) in rows.items() if key not in made]
    record_audit(
        session, actor, "campaigns.add_contacts", subject_id=str(campaign_id), added=len(made), rejected=len(rejected)
    )
    return Added(len(made), sorted(rejected, key=lambda one: one.index))


def _reason_against(
    one: NewContact, patients: Collection[UUID], appointments: Collection[tuple[UUID, UUID]]
) -> str | None:
    """What it names must be there; an appointment is that patient's own."""
    if one.zone is not None and not is_zone(one.zone):
        return "zone"
    if one.patient_id is not None and one.patient_id not in patients:
        return "patient"
    if one.appointment_id is not None and (one.appointment_id, one.patient_id) not in appointments:
        return "appointment"
    return None


def new_row(
    one: NewContact, campaign_id: UUID, channels: Sequence[Channel], plan: NumberPlan, at: datetime
) -> tuple[dict[str, Any], str | None]:
    """The contact as a row, or why there is none: ``number``, ``unreachable``."""
    numbers = [plan.normalise(number) for number in one.numbers]
    readable = list(dict.fromkeys(number for number in numbers if number is not None))
    if None in numbers:
        return {}, "number"
    has = [channel for channel in channels if (bool(one.email) if channel is Channel.EMAIL else bool(readable))]
    if not has:
        return {}, "unreachable"
    row = {
        "campaign_id": campaign_id,
        "key": one.key,
        "patient_id": one.patient_id,
        "person": str(one.patient_id or (readable[0] if readable else one.email)),
        "name": one.name,
        "language": one.language,
        "zone": one.zone,
        "numbers": readable,
        "email": one.email,
        "appointment_id": one.appointment_id,
        "variables": dict(one.variables or {}),
        "state": ContactState.NEW.value,
        "next_at": max(one.not_before or at, at),
        "next_channel": has[0].value,
        "next_number": 0,
        "status": Status.REGISTERED.value,
        "attempts": 0,
        "created_at": at,
    }
    return row, None


async def withdraw_contact(
    session: AsyncSession, actor: Actor, campaign_id: UUID, contact_id: UUID, *, at: datetime
) -> CampaignContact:
    """Nobody calls it any more; a call that goes on ends by itself. Raises ContactNotFound."""
    await unsent.stop(
        session, campaign_id, at, contact_id=contact_id
    )  # first: who records a sending locks in this order
    contact = await get_contact(session, campaign_id, contact_id, lock=True)
    if contact.state != ContactState.FINISHED:
        finish(contact, ContactResult.WITHDRAWN, "withdrawn", at)
        await queries.insert_decisions(session, [decision_row(contact, "finished", "withdrawn", at)])
        record_audit(session, actor, "campaigns.withdraw_contact", subject_id=str(contact_id))
    return contact


async def get_contact(
    session: AsyncSession, campaign_id: UUID, contact_id: UUID, *, lock: bool = False
) -> CampaignContact:
    """Raises ContactNotFound."""
    contact = await queries.find_contact(session, campaign_id, contact_id, lock=lock)
    if contact is None:
        raise ContactNotFound
    return contact
