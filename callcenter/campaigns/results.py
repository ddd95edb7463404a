"""What a campaign has come to: counts for charts, how far each is, rows for files. Statements that only read."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.models import (
    CONVERSATIONS,
    CampaignAnswer,
    CampaignAttempt,
    CampaignContact,
    ContactResult,
    ContactState,
)
from callcenter.core.db import Database

MOST_HOURS = 7 * 24
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a campaign is, in contacts."""

    campaign_id: UUID
    contacts: int
    due: int
    dialling: int
    finished: int
    reached: int


async def list_standings(session: AsyncSession, campaign_ids: Collection[UUID], at: datetime) -> list[Standing]:
    """Of these campaigns, in one statement; one without contacts is left out."""
    contact = CampaignContact
    query = (
        select(
            contact.campaign_id,
            func.count(),
            func.count().filter(contact.state == ContactState.WAITING, contact.next_at <= at),
            func.count().filter(contact.state == ContactState.DIALLING),
            func.count().filter(contact.state == ContactState.FINISHED),
            func.count().filter(contact.result == ContactResult.REACHED),
        )
        .where(contact.campaign_id.in_(campaign_ids))
        .group_by(contact.campaign_id)
    )
    return [Standing(*row) for row in (await session.execute(query))]


@dataclass(frozen=True, slots=True)
class Hour:
    """``start``: of an hour on the campaign's clock in which something was begun."""

    start: datetime
    attempts: int
    conversations: int


@dataclass(frozen=True, slots=True)
class Answered:
    """``answers``: of contacts, each counted once, by value."""

    question: str
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Results:
    by_status: dict[str, int]
    by_result: dict[str, int]
    by_outcome: dict[str, int]
    questions: Sequence[Answered]
    hours: Sequence[Hour]


async def read_results(session: AsyncSession, campaign_id: UUID, zone: str) -> Results:
    """Counted now. ``zone``: whose hours."""
    contact, attempt = CampaignContact, CampaignAttempt
    groups = await session.execute(
        select(contact.status, contact.result, func.count())
        .where(contact.campaign_id == campaign_id)
        .group_by(contact.status, contact.result)
    )
    by_status: dict[str, int] = {}
    by_result: dict[str, int] = {}
    for status, result, count in groups:
        by_status[status] = by_status.get(status, 0) + count
        if result is not None:
            by_result[result] = by_result.get(result, 0) + count
    outcomes = await session.execute(
        select(attempt.outcome, func.count())
        .where(attempt.campaign_id == campaign_id, attempt.outcome.is_not(None))
        .group_by(attempt.outcome)
    )
    return Results(
        by_status=by_status,
        by_result=by_result,
        by_outcome={outcome: count for outcome, count in outcomes if outcome is not None},
        questions=await _answered(session, campaign_id),
        hours=await _hours(session, campaign_id, zone),
    )


async def _answered(session: AsyncSession, campaign_id: UUID) -> list[Answered]:
    """Who answered a question in two attempts is counted with the later answer."""
    answer, contact = CampaignAnswer, CampaignContact
    last = (
        select(answer.question, answer.value)
        .join(contact, contact.id == answer.contact_id)
        .where(contact.campaign_id == campaign_id)
        .ext(distinct_on(answer.contact_id, answer.question))
        .order_by(answer.contact_id, answer.question, answer.answered_at.desc())
        .subquery()
    )
    rows = await session.execute(
        select(last.c.question, last.c.value, func.count())
        .group_by(last.c.question, last.c.value)
        .order_by(last.c.question, last.c.value)
    )
    found: dict[str, dict[str, int]] = {}
    for question, value, count in rows:
        found.setdefault(question, {})[value] = count
    return [Answered(question, answers) for question, answers in found.items()]


async def _hours(session: AsyncSession, campaign_id: UUID, zone: str) -> list[Hour]:
    """The last ones in which something was begun, in order."""
    attempt = CampaignAttempt
    hour = func.date_trunc("hour", attempt.claimed_at, zone).label("hour")
    query = (
        select(hour, func.count(), func.count().filter(attempt.outcome.in_(CONVERSATIONS)))
        .where(attempt.campaign_id == campaign_id)
        .group_by(hour)
        .order_by(hour.desc())
        .limit(MOST_HOURS)
    )
    return [Hour(*row) for row in reversed((await session.execute(query)).all())]


# -- rows of a file


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A contact with what the last attempt came to and the last answer to each question."""

    contact: CampaignContact
    last: CampaignAttempt | None
    answers: dict[str, str]


async def list_questions(session: AsyncSession, campaign_id: UUID) -> Sequence[str]:
    """Those that somebody answered."""
    query = (
        select(CampaignAnswer.question)
        .join(CampaignContact, CampaignContact.id == CampaignAnswer.contact_id)
        .where(CampaignContact.campaign_id == campaign_id)
    )
    return (await session.scalars(query.distinct().order_by(CampaignAnswer.question))).all()


async def iterate_rows(database: Database, campaign_id: UUID) -> AsyncIterator[list[ResultRow]]:
    """All contacts in the order in which they were put in; each page in a transaction of its own."""
    after: UUID | None = None
    while True:
        async with database.transaction() as session:
            rows = await _list_rows(session, campaign_id, after)
            session.expunge_all()
        yield rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = rows[-1].contact.id


async def _list_rows(session: AsyncSession, campaign_id: UUID, after: UUID | None) -> list[ResultRow]:
    query = select(CampaignContact).where(CampaignContact.campaign_id == campaign_id)
    query = query if after is None else query.where(CampaignContact.id > after)
    contacts = (await session.scalars(query.order_by(CampaignContact.id).limit(_ROWS_AT_ONCE))).all()
    ids = [contact.id for contact in contacts]
    attempt, answer = CampaignAttempt, CampaignAnswer
    attempts = await session.scalars(
        select(attempt)
        .where(attempt.contact_id.in_(ids))
        .ext(distinct_on(attempt.contact_id))
        .order_by(attempt.contact_id, attempt.number.desc())
    )
    last = {one.contact_id: one for one in attempts}
    answers: dict[UUID, dict[str, str]] = {}
    said = await session.scalars(select(answer).where(answer.contact_id.in_(ids)).order_by(answer.answered_at))
    for one in said:
        answers.setdefault(one.contact_id, {})[one.question] = one.value
    return [ResultRow(contact, last.get(contact.id), answers.get(contact.id, {})) for contact in contacts]
