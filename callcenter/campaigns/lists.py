"""What people read of campaigns: lists, a contact's whole way, progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.models import (
    Campaign,
    CampaignAnswer,
    CampaignAttempt,
    CampaignContact,
    ContactDecision,
    ContactResult,
    ContactState,
)

MOST_DECISIONS = 500
_HOUR = timedelta(hours=1)


async def list_campaigns(
    session: AsyncSession, *, state: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Campaign]:
    """At most ``limit + 1``, newest first."""
    query = select(Campaign)
    if state is not None:
        query = query.where(Campaign.state == state)
    if after is not None:
        query = query.where(tuple_(Campaign.created_at, Campaign.id) < after)
    return (
        await session.scalars(query.order_by(Campaign.created_at.desc(), Campaign.id.desc()).limit(limit + 1))
    ).all()


async def list_contacts(
    session: AsyncSession, campaign_id: UUID, *, state: str | None, status: str | None, after: UUID | None, limit: int
) -> Sequence[CampaignContact]:
    """At most ``limit + 1``, in the order in which they were put in."""
    query = select(CampaignContact).where(CampaignContact.campaign_id == campaign_id)
    if state is not None:
        query = query.where(CampaignContact.state == state)
    if status is not None:
        query = query.where(CampaignContact.status == status)
    if after is not None:
        query = query.where(CampaignContact.id > after)
    return (await session.scalars(query.order_by(CampaignContact.id).limit(limit + 1))).all()


@dataclass(frozen=True, slots=True)
class ContactWay:
    """A contact with all that was done, said and decided, each in order."""

    contact: CampaignContact
    attempts: Sequence[CampaignAttempt]
    answers: Sequence[CampaignAnswer]
    decisions: Sequence[ContactDecision]


async def read_way(session: AsyncSession, contact: CampaignContact) -> ContactWay:
    attempts = select(CampaignAttempt).where(CampaignAttempt.contact_id == contact.id).order_by(CampaignAttempt.number)
    answers = select(CampaignAnswer).where(CampaignAnswer.contact_id == contact.id)
    decisions = select(ContactDecision).where(ContactDecision.contact_id == contact.id).order_by(ContactDecision.id)
    return ContactWay(
        contact,
        (await session.scalars(attempts)).all(),
        (await session.scalars(answers.order_by(CampaignAnswer.answered_at, CampaignAnswer.question))).all(),
        (await session.scalars(decisions.limit(MOST_DECISIONS))).all(),
    )


async def list_decisions_of_patient(session: AsyncSession, patient_id: UUID) -> Sequence[ContactDecision]:
    """Over all campaigns, the newest first."""
    query = (
        select(ContactDecision)
        .join(CampaignContact, CampaignContact.id == ContactDecision.contact_id)
        .where(CampaignContact.patient_id == patient_id)
        .order_by(ContactDecision.id.desc())
    )
    return (await session.scalars(query.limit(MOST_DECISIONS))).all()


@dataclass(frozen=True, slots=True)
class Progress:
    """Counted from the rows. ``per_hour``: attempts that ended within the last hour."""

    contacts: int
    by_state: dict[str, int]
    by_status: dict[str, int]
    by_result: dict[str, int]
    attempts: int
    by_outcome: dict[str, int]
    due: int
    reach_rate: float | None
    per_hour: float
    expected_end_at: datetime | None


async def read_progress(session: AsyncSession, campaign_id: UUID, at: datetime) -> Progress:
    """Three statements over the campaign's own rows."""
    contact = CampaignContact
    groups = await session.execute(
        select(contact.state, contact.status, contact.result, func.count())
        .where(contact.campaign_id == campaign_id)
        .group_by(contact.state, contact.status, contact.result)
    )
    by_state: dict[str, int] = {}
    by_status: dict[str, int] = {}
    by_result: dict[str, int] = {}
    for state, status, result, count in groups:
        by_state[state] = by_state.get(state, 0) + count
        by_status[status] = by_status.get(status, 0) + count
        if result is not None:
            by_result[result] = by_result.get(result, 0) + count
    due_query = select(func.count()).where(
        contact.campaign_id == campaign_id, contact.state == ContactState.WAITING, contact.next_at <= at
    )
    attempt = CampaignAttempt
    outcomes = await session.execute(
        select(attempt.outcome, func.count(), func.count().filter(attempt.ended_at > at - _HOUR))
        .where(attempt.campaign_id == campaign_id)
        .group_by(attempt.outcome)
    )
    by_outcome = {outcome or "open": (count, lately) for outcome, count, lately in outcomes}
    per_hour = float(sum(lately for _, lately in by_outcome.values()))
    finished = by_state.get(ContactState.FINISHED, 0)
    left = sum(by_state.values()) - finished
    return Progress(
        contacts=sum(by_state.values()),
        by_state=by_state,
        by_status=by_status,
        by_result=by_result,
        attempts=sum(count for count, _ in by_outcome.values()),
        by_outcome={outcome: count for outcome, (count, _) in by_outcome.items()},
        due=await session.scalar(due_query) or 0,
        reach_rate=by_result.get(ContactResult.REACHED, 0) / finished if finished else None,
        per_hour=per_hour,
        expected_end_at=at + _HOUR * (left / per_hour) if per_hour and left else None,
    )


async def count_contacts(session: AsyncSession, campaign_id: UUID) -> int:
    query = select(func.count()).where(CampaignContact.campaign_id == campaign_id)
    return await session.scalar(query) or 0
