"""A campaign with contacts, what a dialler does with it, and the ledger of one attempt."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.campaigns import contacts, lifecycle, placing, preparing, standings
from callcenter.campaigns.contacts import Added, NewContact
from callcenter.campaigns.governor import Limits
from callcenter.campaigns.models import (
    CampaignAttempt,
    CampaignContact,
    CampaignState,
    ContactDecision,
)
from callcenter.campaigns.placing import Dialling
from callcenter.campaigns.schemas import CampaignBody
from callcenter.core.audit import SYSTEM
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.patients.models import Appointment, Patient
from callcenter.queues.models import Did
from tests.support.ledger_tables import T0, Ledger, table
from tests.support.people import HOME, PBX, given_queue

PLAN = NumberPlan("CN", "0571")
AT = T0
"""A Monday, four in the afternoon in Shanghai."""
ALL_DAY = {"week": [["00:00-24:00"]] * 7, "on_holidays": True}
LINE = "8000"
WORDS: dict[str, Any] = {"spoken": {"greeting": {"zh": "您好"}, "reminder": {"zh": "请来就诊"}}}
"""All that the flow of reminders has to say."""
TRUNK = "PJSIP/trunk-00000001"
START, ANSWER = "0.1 CHAN_START", "4.0 ANSWER"


async def given_line(database: Database) -> None:
    """A number of ours that may be shown."""
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        session.add(Did(number=LINE, label_zh="热线", label_en="Hotline", fallback_queue="consultation"))


def campaign_body(**changes: Any) -> dict[str, Any]:
    """As it is sent: a reminder, around the clock, around AT."""
    return {
        "name": "reminders",
        "kind": "reminder",
        "flow": "campaign_reminder",
        "caller_id": LINE,
        "texts": WORDS,
        "windows": ALL_DAY,
        "starts_at": (AT - timedelta(days=1)).isoformat(),
        "ends_at": (AT + timedelta(days=30)).isoformat(),
        **changes,
    }


async def given_campaign(
    database: Database, state: CampaignState = CampaignState.RUNNING, *, pbx: str = PBX, **changes: Any
) -> UUID:
    values = CampaignBody.model_validate(campaign_body(**{"texts": {}, **changes})).values()
    async with database.transaction() as session:
        campaign = await lifecycle.create_campaign(session, SYSTEM, values, pbx=pbx, at=AT)
        if state is not CampaignState.DRAFT:
            await lifecycle.set_state(session, SYSTEM, campaign.id, CampaignState.RUNNING, AT)
        if state not in (CampaignState.DRAFT, CampaignState.RUNNING):
            await lifecycle.set_state(session, SYSTEM, campaign.id, state, AT)
        return campaign.id


def person(index: int = 1, **more: Any) -> NewContact:
    """Somebody with a number of their own."""
    return NewContact(**{"key": f"p{index}", "numbers": [f"138{index:08}"], **more})


def number_of(index: int = 1) -> str:
    return f"+86138{index:08}"


async def add(database: Database, campaign_id: UUID, *people: NewContact, ready: bool = True) -> Added:
    """``ready``: also prepared, so that they wait for their dial."""
    async with database.transaction() as session:
        added = await contacts.add_contacts(session, SYSTEM, campaign_id, people, plan=PLAN, at=AT)
        if ready:
            await preparing.prepare(session, await lifecycle.get_campaign(session, campaign_id), AT)
    return added


async def set_state(database: Database, campaign_id: UUID, state: CampaignState, at: datetime = AT) -> None:
    async with database.transaction() as session:
        await lifecycle.set_state(session, SYSTEM, campaign_id, state, at)


async def place_in(
    session: AsyncSession, campaign_id: UUID, at: datetime = AT, *, limit: int = 100, pbx: str = PBX
) -> int:
    campaign = await lifecycle.get_campaign(session, campaign_id)
    days = await standings.days_around(session, at, HOME)
    dialling = Dialling(pbx, HOME, PLAN, await lifecycle.get_limits(session), days)
    return await placing.place_due(session, campaign, dialling, at, limit=limit)


async def place(database: Database, campaign_id: UUID, at: datetime = AT, *, limit: int = 100) -> int:
    async with database.transaction() as session:
        return await place_in(session, campaign_id, at, limit=limit)


async def given_limits(database: Database, **limits: Any) -> None:
    """Without quiet hours, unless told otherwise."""
    async with database.transaction() as session:
        await lifecycle.put_limits(session, SYSTEM, Limits(**{"quiet_from": 24, "quiet_until": 0, **limits}))


async def contact(database: Database, key: str = "p1", campaign_id: UUID | None = None) -> CampaignContact:
    query = select(CampaignContact).where(CampaignContact.key == key)
    if campaign_id is not None:
        query = query.where(CampaignContact.campaign_id == campaign_id)
    async with database.transaction() as session:
        return (await session.scalars(query)).one()


async def attempts(database: Database) -> list[CampaignAttempt]:
    query = select(CampaignAttempt).order_by(CampaignAttempt.claimed_at, CampaignAttempt.number, CampaignAttempt.id)
    async with database.transaction() as session:
        return list(await session.scalars(query))


async def why(database: Database, key: str = "p1") -> list[tuple[str, str]]:
    """Decisions on a contact: what and why."""
    query = (
        select(ContactDecision.decision, ContactDecision.reason)
        .join(CampaignContact, CampaignContact.id == ContactDecision.contact_id)
        .where(CampaignContact.key == key)
        .order_by(ContactDecision.id)
    )
    async with database.transaction() as session:
        return [(row.decision, row.reason) for row in await session.execute(query)]


async def given_patient(session: AsyncSession, external_id: str = "P1", **values: Any) -> Patient:
    patient = Patient(external_id=external_id, name="张伟", created_at=AT, updated_at=AT, **values)
    session.add(patient)
    await session.flush()
    return patient


async def given_appointment(session: AsyncSession, patient_id: UUID, status: str = "booked") -> Appointment:
    appointment = Appointment(
        external_id=f"A-{patient_id}",
        patient_id=patient_id,
        booked_at=AT - timedelta(days=20),
        starts_at=AT + timedelta(days=1),
        status=status,
    )
    session.add(appointment)
    await session.flush()
    return appointment


async def commands_are(database: Database, state: CommandState, at: datetime) -> None:
    async with database.transaction() as session:
        await session.execute(update(PbxCommand).values(state=state, finished_at=at))


def hangup(cause: int = 16, source: str = TRUNK) -> str:
    return f'30.0 HANGUP {{"hangupcause":{cause},"hangupsource":"{source}","dialstatus":""}}'


def lines_of(attempt_id: str, *lines: str, start: int = 0, ends: bool = True) -> Ledger:
    """Of the attempt's own channel: ``"4.0 ANSWER"``, ``"5.0 CC_CONCLUDE outcome=completed"``."""
    whole = [*lines, "30.1 LINKEDID_END"] if ends else list(lines)
    found = []
    for line in whole:
        seconds, kind, *detail = line.split(maxsplit=2)
        found.append(f"{seconds} {kind} {TRUNK} {attempt_id} {attempt_id} {' '.join(detail)}")
    return table("\n".join(found), start=start)


def talk(*said: str) -> Sequence[str]:
    """An answered call in which the flow wrote these events, and the person hung up."""
    flow = "4.2 CC_FLOW flow=campaign_reminder:rev=0123456789ab"
    return (START, ANSWER, f"4.1 CC_CALL did={LINE}:caller=13800000001", flow, *said, hangup())
