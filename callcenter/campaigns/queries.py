"""All SQL of campaigns and their attempts; lists for people stand in callcenter.campaigns.lists."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, insert, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.campaign_commands import PlaceCampaignCall, PlacePreviewCall
from callcenter.asterisk.commands import HangUpChannel
from callcenter.asterisk.models import CommandState, PbxCommand, is_for_attempt
from callcenter.calls.models import Call, LedgerEvent, Leg
from callcenter.campaigns.models import (
    CONVERSATIONS,
    Campaign,
    CampaignAnswer,
    CampaignAttempt,
    CampaignContact,
    CampaignState,
    Channel,
    ContactDecision,
    ContactResult,
    ContactState,
    GovernorRules,
)
from callcenter.core.conditions import id_one_of, one_of
from callcenter.queues.models import Did

_FRESH = {"execution_options": {"populate_existing": True}}
Rows = Sequence[Mapping[str, Any]]


# -- campaigns


async def find_campaign(session: AsyncSession, campaign_id: UUID, *, lock: bool = False) -> Campaign | None:
    query = select(Campaign).where(Campaign.id == campaign_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    return (await session.scalars(query)).one_or_none()


async def list_running(session: AsyncSession, pbx: str) -> Sequence[Campaign]:
    """Those this PBX dials for, the most important first."""
    query = select(Campaign).where(Campaign.pbx == pbx, Campaign.state == CampaignState.RUNNING)
    return (await session.scalars(query.order_by(Campaign.priority.desc(), Campaign.id))).all()


async def list_past_their_end(session: AsyncSession, pbx: str, at: datetime) -> Sequence[Campaign]:
    """Those that began, and whose time is over."""
    query = select(Campaign).where(
        Campaign.pbx == pbx,
        Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)),
        Campaign.ends_at <= at,
    )
    return (await session.scalars(query.order_by(Campaign.id).with_for_update(skip_locked=True), **_FRESH)).all()


async def list_over_with_left_over(session: AsyncSession, pbx: str) -> Sequence[Campaign]:
    """Those that are over and still have contacts who wait, a few at a time."""
    left = (
        exists().where(CampaignContact.campaign_id == Campaign.id, CampaignContact.state == state)
        for state in (ContactState.WAITING, ContactState.NEW)
    )
    query = (
        select(Campaign)
        .where(Campaign.pbx == pbx, Campaign.state.in_((CampaignState.FINISHED, CampaignState.CANCELLED)), or_(*left))
        .order_by(Campaign.id)
        .limit(10)
    )
    return (await session.scalars(query)).all()


async def find_limits(session: AsyncSession) -> GovernorRules | None:
    return await session.get(GovernorRules, 1)


async def put_limits(session: AsyncSession, limits: dict[str, Any]) -> None:
    new = upsert(GovernorRules).values(id=1, limits=limits)
    await session.execute(new.on_conflict_do_update(index_elements=["id"], set_={"limits": limits}))


async def database_now(session: AsyncSession) -> datetime:
    """The clock by which hours and due times are judged: one for all machines."""
    at: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return at


# -- due and claimed


async def count_open(
    session: AsyncSession, pbx: str, *, channels: Collection[Channel] = (Channel.TELEPHONE,)
) -> dict[UUID, int]:
    """Dials (or what else goes by these channels) that are not over, by campaign."""
    by_these = one_of(CampaignAttempt.channel, [channel.value for channel in channels])
    query = (
        select(CampaignAttempt.campaign_id, func.count())
        .where(CampaignAttempt.is_open, CampaignAttempt.pbx == pbx, by_these)
        .group_by(CampaignAttempt.campaign_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def lock_due(
    session: AsyncSession, campaign_id: UUID, at: datetime, *, limit: int, channel: Channel = Channel.TELEPHONE
) -> Sequence[CampaignContact]:
    """The contacts whose time has come, the longest waiting first; those that another holds are left out."""
    query = (
        select(CampaignContact)
        .where(
            CampaignContact.campaign_id == campaign_id,
            CampaignContact.state == ContactState.WAITING,
            CampaignContact.next_at <= at,
            CampaignContact.next_channel == channel,
        )
        .order_by(CampaignContact.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def lock_new(session: AsyncSession, campaign_id: UUID, *, limit: int) -> Sequence[CampaignContact]:
    """Contacts whose texts nobody has asked to be spoken yet."""
    query = (
        select(CampaignContact)
        .where(CampaignContact.campaign_id == campaign_id, CampaignContact.state == ContactState.NEW)
        .order_by(CampaignContact.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def insert_attempts(session: AsyncSession, rows: Rows) -> set[str]:
    """Ids of those that were made: another of the same contact, person or number may be open."""
    if not rows:
        return set()
    ordered = sorted(rows, key=itemgetter("person"))  # two who claim at once do not wait for each other in a circle
    new = upsert(CampaignAttempt).values(ordered).on_conflict_do_nothing().returning(CampaignAttempt.id)
    return set(await session.scalars(new))


async def delete_attempts(session: AsyncSession, attempt_ids: Collection[str]) -> None:
    """Of this very transaction: nobody has seen them."""
    await session.execute(text("DELETE FROM campaign_attempts WHERE id = ANY(:ids)"), {"ids": list(attempt_ids)})


async def insert_decisions(session: AsyncSession, rows: Rows) -> None:
    if rows:
        await session.execute(insert(ContactDecision), list(rows))


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done today, and the last conversation of any day. By person, and of numbers by address."""

    attempts_of_number: Mapping[str, int]
    attempts_of_person: Mapping[str, int]
    conversations: Mapping[str, int]
    last_conversation_at: Mapping[str, datetime]


async def count_today(session: AsyncSession, day: date, persons: Collection[str], addresses: Collection[str]) -> Counts:
    """Over all campaigns; attempts that are open count as attempts. What was surely not dialled does not."""
    counted = or_(CampaignAttempt.outcome.is_(None), CampaignAttempt.outcome != "not_placed")
    of_number = (
        select(CampaignAttempt.address, func.count())
        .where(one_of(CampaignAttempt.address, addresses), CampaignAttempt.day == day, counted)
        .group_by(CampaignAttempt.address)
    )
    is_conversation = CampaignAttempt.outcome.in_(sorted(CONVERSATIONS))
    today = CampaignAttempt.day == day
    of_person = (
        select(
            CampaignAttempt.person,
            func.count().filter(today, counted),
            func.count().filter(today, is_conversation),
            func.max(CampaignAttempt.answered_at).filter(is_conversation),
        )
        .where(one_of(CampaignAttempt.person, persons))
        .group_by(CampaignAttempt.person)
    )
    by_number = {row[0]: row[1] for row in await session.execute(of_number)}
    by_person = (await session.execute(of_person)).all()
    return Counts(
        attempts_of_number=by_number,
        attempts_of_person={row[0]: row[1] for row in by_person},
        conversations={row[0]: row[2] for row in by_person},
        last_conversation_at={row[0]: row[3] for row in by_person if row[3] is not None},
    )


# -- what came of it


async def lock_attempts(
    session: AsyncSession, attempt_ids: Collection[str]
) -> Sequence[tuple[CampaignContact, CampaignAttempt]]:
    """Those of these that are attempts, with their contacts, all locked, the contacts first."""
    these = one_of(CampaignAttempt.id, attempt_ids)
    owners = select(CampaignAttempt.contact_id).where(these)
    contacts = select(CampaignContact).where(CampaignContact.id.in_(owners)).order_by(CampaignContact.id)
    by_id = {one.id: one for one in await session.scalars(contacts.with_for_update(), **_FRESH)}
    attempts = select(CampaignAttempt).where(these).order_by(CampaignAttempt.id).with_for_update()
    return [(by_id[one.contact_id], one) for one in await session.scalars(attempts, **_FRESH)]


async def list_events(session: AsyncSession, attempt_ids: Collection[str]) -> Mapping[str, Sequence[LedgerEvent]]:
    """By attempt: all that Asterisk wrote of its call, in order."""
    query = select(LedgerEvent).where(one_of(LedgerEvent.linkedid, attempt_ids))
    found = await session.scalars(query.order_by(LedgerEvent.linkedid, LedgerEvent.at, LedgerEvent.id))
    return {linkedid: list(events) for linkedid, events in groupby(found, key=attrgetter("linkedid"))}


async def list_agents(session: AsyncSession, attempt_ids: Collection[str]) -> Mapping[str, str]:
    """By attempt: the agent who talked with the person, the last if there were several."""
    query = (
        select(Leg.call_id, Leg.agent_number)
        .where(one_of(Leg.call_id, attempt_ids), Leg.agent_number.is_not(None), Leg.answered_at.is_not(None))
        .order_by(Leg.answered_at)
    )
    return {call_id: agent for call_id, agent in await session.execute(query) if agent is not None}


async def list_calls(session: AsyncSession, attempt_ids: Collection[str]) -> Mapping[str, Call]:
    """By attempt: the record of its call."""
    query = select(Call).where(one_of(Call.id, attempt_ids)).execution_options(populate_existing=True)
    return {call.id: call for call in await session.scalars(query)}


async def list_past(session: AsyncSession, contact_ids: Collection[UUID]) -> Mapping[UUID, Sequence[CampaignAttempt]]:
    """By contact: its attempts that are over, in order."""
    found: dict[UUID, list[CampaignAttempt]] = {contact_id: [] for contact_id in contact_ids}
    of_them = id_one_of(CampaignAttempt.contact_id, contact_ids)
    query = select(CampaignAttempt).where(of_them, ~CampaignAttempt.is_open)
    for attempt in await session.scalars(query.order_by(CampaignAttempt.number)):
        found[attempt.contact_id].append(attempt)
    return found


async def list_campaigns(session: AsyncSession, campaign_ids: Collection[UUID]) -> Mapping[UUID, Campaign]:
    query = select(Campaign).where(Campaign.id.in_(campaign_ids))
    return {campaign.id: campaign for campaign in await session.scalars(query)}


async def insert_answers(session: AsyncSession, rows: Rows) -> None:
    """Of each attempt and question one row. The last answer counts; what repeats changes nothing."""
    if not rows:
        return
    new = upsert(CampaignAnswer).values(list(rows))
    changed = {name: new.excluded[name] for name in ("value", "revision", "answered_at")}
    await session.execute(new.on_conflict_do_update(index_elements=["attempt_id", "question"], set_=changed))


async def list_open_messages(session: AsyncSession, campaign_id: UUID, contact_id: UUID | None = None) -> Sequence[str]:
    """Attempts by message that are not over, of the campaign or one contact in it."""
    query = select(CampaignAttempt.id).where(
        CampaignAttempt.is_open,
        CampaignAttempt.campaign_id == campaign_id,
        CampaignAttempt.channel != Channel.TELEPHONE.value,
    )
    query = query if contact_id is None else query.where(CampaignAttempt.contact_id == contact_id)
    return (await session.scalars(query)).all()


async def list_open_attempts(session: AsyncSession, pbx: str, *, claimed_before: datetime) -> set[str]:
    """Dials that are not over and of which this PBX has surely been told, some time ago."""
    return set(await session.scalars(open_attempts(pbx, claimed_before)))


def open_attempts(pbx: str, claimed_before: datetime) -> Select[str]:
    """See list_open_attempts; all commands of a month lie beside those that count."""
    told = exists().where(
        PbxCommand.pbx == pbx,
        PbxCommand.action.in_((PlaceCampaignCall.action, PlacePreviewCall.action, HangUpChannel.action)),
        or_(
            PbxCommand.state.in_((CommandState.PENDING, CommandState.SENT)),
            PbxCommand.finished_at >= claimed_before,
        ),
        is_for_attempt(CampaignAttempt.id),
    )
    return select(CampaignAttempt.id).where(
        CampaignAttempt.pbx == pbx,
        CampaignAttempt.is_open,
        CampaignAttempt.channel == Channel.TELEPHONE.value,
        CampaignAttempt.claimed_at < claimed_before,
        or_(CampaignAttempt.offered_until.is_(None), CampaignAttempt.offered_until < claimed_before),
        ~told,
    )


# -- contacts


async def list_known_appointments(session: AsyncSession, appointment_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Those of these ids that are appointments', with whose they are."""
    if not appointment_ids:
        return set()
    query = text("SELECT id, patient_id FROM appointments WHERE id = ANY(:ids)")
    return {(row.id, row.patient_id) for row in await session.execute(query, {"ids": list(appointment_ids)})}


async def list_known_patients(session: AsyncSession, patient_ids: Collection[UUID]) -> set[UUID]:
    """Those of these ids that are patients'."""
    if not patient_ids:
        return set()
    query = text("SELECT id FROM patients WHERE id = ANY(:ids)")
    return set(await session.scalars(query, {"ids": list(patient_ids)}))


async def insert_contacts(session: AsyncSession, rows: Rows) -> set[str]:
    """Keys of those that are new; who is in the campaign already stays as it is."""
    if not rows:
        return set()
    new = upsert(CampaignContact).on_conflict_do_nothing(index_elements=["campaign_id", "key"])
    return set(await session.scalars(new.returning(CampaignContact.key), list(rows)))


async def find_contact(
    session: AsyncSession, campaign_id: UUID, contact_id: UUID, *, lock: bool = False
) -> CampaignContact | None:
    query = select(CampaignContact).where(CampaignContact.id == contact_id, CampaignContact.campaign_id == campaign_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    return (await session.scalars(query)).one_or_none()


async def has_open_attempts(session: AsyncSession, campaign_id: UUID) -> bool:
    open_one = exists().where(CampaignAttempt.campaign_id == campaign_id, CampaignAttempt.is_open)
    return bool(await session.scalar(select(open_one)))


async def finish_left_over(
    session: AsyncSession, campaign_id: UUID, at: datetime, *, result: ContactResult, reason: str, limit: int
) -> int:
    """Finish at most ``limit`` of those who wait, and note why; returns how many. Whose call goes on is left out."""
    done = await session.execute(
        text(
            "WITH left_over AS ("
            " SELECT id FROM campaign_contacts WHERE campaign_id = :campaign AND state IN ('waiting', 'new')"
            " ORDER BY id LIMIT :limit FOR UPDATE"
            "), finished AS ("
            " UPDATE campaign_contacts SET state = 'finished',"
            " result = CAST(:result AS varchar), reason = CAST(:reason AS varchar), next_at = NULL, finished_at = :at,"
            " status = CASE WHEN status = 'started' THEN 'partial' WHEN status = 'contacted' THEN 'breakoff'"
            " WHEN CAST(:result AS varchar) = 'withdrawn' THEN status ELSE 'unreachable' END"
            " FROM left_over WHERE campaign_contacts.id = left_over.id"
            " RETURNING campaign_contacts.id, campaign_contacts.person"
            ") INSERT INTO campaign_decisions (contact_id, campaign_id, person, at, decision, reason)"
            " SELECT id, :campaign, person, :at, 'finished', CAST(:reason AS varchar) FROM finished RETURNING 1"
        ),
        {"campaign": campaign_id, "at": at, "result": result.value, "reason": reason, "limit": limit},
    )
    return len(done.all())


async def list_did_numbers(session: AsyncSession) -> Sequence[str]:
    """The numbers of ours that may be shown."""
    return (await session.scalars(select(Did.number))).all()
