"""Campaigns with contacts in whatever state a test wants, as the dialer would have left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.channel_ids import DialKind, new_channel_id
from callcenter.campaigns.models import (
    CONVERSATIONS,
    Campaign,
    CampaignAnswer,
    CampaignAttempt,
    CampaignContact,
    ContactDecision,
    ContactState,
)
from callcenter.campaigns.rules import Pacing, RetryRules, Texts, Windows
from callcenter.core.clock import now
from callcenter.core.ids import new_id
from callcenter.queues.models import Did, Queue

TEXTS: Mapping[str, object] = {
    "spoken": {
        "greeting": {"zh": "您好，请问是{name}吗？", "en": "Hello, is that {name}?"},
        "reminder": {"zh": "提醒您，{when}来医院就诊。", "en": "You have an appointment on {when}."},
    }
}


async def given_campaign(
    session: AsyncSession, *, state: str = "draft", texts: Mapping[str, object] = TEXTS, **values: object
) -> Campaign:
    """A reminder from 8000, which is made with its queue if it is not there."""
    if await session.get(Queue, "consultation") is None:
        session.add(Queue(name="consultation", label_zh="咨询", label_en="Consultation"))
        await session.flush()
    if await session.get(Did, "8000") is None:
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="consultation"))
        await session.flush()
    at = now()
    campaign = Campaign(
        **{
            "name": "明日就诊提醒",
            "kind": "reminder",
            "state": state,
            "priority": 0,
            "pbx": "pbx1",
            "caller_id": "8000",
            "flow": "campaign_reminder",
            "texts": Texts.model_validate(texts).model_dump(mode="json"),
            "channels": ["telephone"],
            "zone": "Asia/Shanghai",
            "windows": Windows().model_dump(mode="json"),
            "pacing": Pacing().model_dump(mode="json"),
            "retry": RetryRules().model_dump(mode="json"),
            "starts_at": at - timedelta(days=1),
            "ends_at": at + timedelta(days=30),
            "created_at": at,
            "created_by": "scheduler",
            "changed_at": at,
            "changed_by": "scheduler",
            "version": 1,
            "started_at": None if state == "draft" else at,
            "finished_at": None,
            **values,
        }
    )
    session.add(campaign)
    await session.flush()
    return campaign


@dataclass(frozen=True, slots=True)
class Attempted:
    """A contact: ``outcomes`` of its attempts, a minute apart from ``at`` on; ``answers``: given in each of them."""

    key: str
    name: str
    outcomes: Sequence[str] = ()
    answers: Sequence[Mapping[str, str]] = ()
    status: str = "registered"
    result: str | None = None
    at: datetime = datetime(2026, 1, 5, 1, tzinfo=UTC)
    numbers: Sequence[str] = ()
    patient_id: UUID | None = None


async def given_contacts(session: AsyncSession, campaign: Campaign, *people: Attempted) -> list[CampaignContact]:
    found = []
    ids = sorted(new_id() for _ in people)
    for index, one in enumerate(people):
        numbers = list(one.numbers) or [f"+8613700{index:06}"]
        contact = CampaignContact(
            id=ids[index],
            campaign_id=campaign.id,
            key=one.key,
            patient_id=one.patient_id,
            person=numbers[0],
            name=one.name,
            language="zh",
            zone=None,
            numbers=numbers,
            email=None,
            appointment_id=None,
            variables={"when": "11月23日上午9:30"},
            state=(ContactState.FINISHED if one.result else ContactState.WAITING).value,
            next_at=None if one.result else one.at,
            next_channel="telephone",
            status=one.status,
            result=one.result,
            reason=one.outcomes[-1] if one.outcomes else None,
            attempts=len(one.outcomes),
            created_at=one.at,
            finished_at=one.at + timedelta(minutes=len(one.outcomes)) if one.result else None,
        )
        found.append(contact)
    session.add_all(found)
    await session.flush()
    for contact, one in zip(found, people, strict=True):
        attempts = [_attempt(contact, one, index) for index in range(len(one.outcomes))]
        session.add_all(attempts)
        await session.flush()
        for attempt, said in zip(attempts, one.answers, strict=False):
            session.add_all(_answer(attempt, question, value) for question, value in said.items())
        session.add_all(_decisions(contact, one))
    await session.flush()
    return found


def _attempt(contact: CampaignContact, one: Attempted, index: int) -> CampaignAttempt:
    at = one.at + timedelta(minutes=index)
    talked = one.outcomes[index] in CONVERSATIONS
    return CampaignAttempt(
        id=new_channel_id("pbx1", DialKind.CAMPAIGN),
        contact_id=contact.id,
        campaign_id=contact.campaign_id,
        person=contact.person,
        number=index + 1,
        channel="telephone",
        address=contact.numbers[0],
        pbx="pbx1",
        day=at.date(),
        claimed_at=at,
        is_open=False,
        dialled_at=at + timedelta(seconds=1),
        answered_at=at + timedelta(seconds=9) if talked else None,
        ended_at=at + timedelta(seconds=40),
        outcome=one.outcomes[index],
        hangup_cause=16 if talked else 17,
    )


def _answer(attempt: CampaignAttempt, question: str, value: str) -> CampaignAnswer:
    return CampaignAnswer(
        attempt_id=attempt.id,
        question=question,
        contact_id=attempt.contact_id,
        revision="0123456789ab",
        value=value,
        answered_at=attempt.ended_at,
    )


def _decisions(contact: CampaignContact, one: Attempted) -> list[ContactDecision]:
    """Called, then waits or finished, for each attempt."""
    found = []
    for index, outcome in enumerate(one.outcomes):
        at = one.at + timedelta(minutes=index)
        last = index + 1 == len(one.outcomes) and one.result is not None
        for decision, reason in (("called", "due"), ("finished" if last else "waits", outcome)):
            found.append(
                ContactDecision(
                    contact_id=contact.id,
                    campaign_id=contact.campaign_id,
                    person=contact.person,
                    at=at,
                    decision=decision,
                    reason=reason,
                    until=at + timedelta(minutes=1) if decision == "waits" else None,
                )
            )
    return found
