"""All SQL of where contacts come from: the queries of audiences, the days they were asked, files that were read.

Each query of an audience reads the published views ``audience_*`` and gives the columns of :class:`FoundRow`, those
behind ``:after`` in order of ``position``; what staff set comes as parameters, never as text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.audience_models import (
    CampaignImport,
    CampaignImportProblem,
    CampaignTrigger,
    CampaignTriggerDay,
)
from callcenter.campaigns.models import Campaign, CampaignState

_PIECES = {
    "person": "p.patient_id, p.name, p.language, p.email, p.numbers, p.birth_date",
    "place": """
        coalesce(x.department_zh, '') AS department_zh, coalesce(x.department_en, '') AS department_en,
        coalesce(x.doctor_zh, '') AS doctor_zh, coalesce(x.doctor_en, '') AS doctor_en
    """,
    "nowhere": """
        NULL::timestamptz AS at, '' AS department_zh, '' AS department_en, '' AS doctor_zh, '' AS doctor_en
    """,
    "no_item": "'' AS item, '' AS note",
    "first_id": "'00000000-0000-0000-0000-000000000000'",
    "people": """
        AND NOT p.deceased
        AND (CAST(:sex AS text) IS NULL OR p.sex = :sex)
        AND (CAST(:born_until AS date) IS NULL OR p.birth_date <= :born_until)
        AND (CAST(:born_after AS date) IS NULL OR p.birth_date > :born_after)
        AND (CAST(:vip_grades AS text[]) IS NULL OR p.vip_grade = ANY(:vip_grades))
        AND (CAST(:visited_since AS timestamptz) IS NULL OR EXISTS (
            SELECT FROM audience_visits AS visit
            WHERE visit.patient_id = p.patient_id AND visit.visited_at >= :visited_since
                AND (CAST(:departments AS text[]) IS NULL OR visit.department_code = ANY(:departments))
        ))
    """,
    "in_departments": "AND (CAST(:departments AS text[]) IS NULL OR x.department_code = ANY(:departments))",
}
"""What several queries share; all of it words of this file."""

_TEMPLATES: Mapping[str, str] = {
    "patients": """
        SELECT p.patient_id::text AS position, p.patient_id::text AS subject, NULL::uuid AS appointment_id,
            {person}, {nowhere}, {no_item}
        FROM audience_patients AS p
        WHERE p.patient_id > CAST(coalesce(:after, {first_id}) AS uuid) {people}
        ORDER BY p.patient_id
    """,
    "birthdays": """
        SELECT p.patient_id::text AS position, p.patient_id::text AS subject, NULL::uuid AS appointment_id,
            {person}, {nowhere}, {no_item}
        FROM audience_patients AS p
        WHERE p.patient_id > CAST(coalesce(:after, {first_id}) AS uuid) {people}
            AND to_char(p.birth_date, 'MMDD') = ANY(CAST(:days AS text[]))
        ORDER BY p.patient_id
    """,
    "appointments": """
        SELECT x.appointment_id::text AS position, x.appointment_id::text AS subject, x.appointment_id,
            {person}, x.starts_at AS at, {place}, {no_item}
        FROM audience_appointments AS x JOIN audience_patients AS p USING (patient_id)
        WHERE x.appointment_id > CAST(coalesce(:after, {first_id}) AS uuid)
            AND NOT p.deceased AND x.status = ANY(CAST(:statuses AS text[]))
            AND x.starts_at >= :begins_at AND x.starts_at < :ends_at AND x.starts_at > :not_before
            AND (CAST(:booked_days AS int) IS NULL OR :booked_days <
                (x.starts_at AT TIME ZONE CAST(:zone AS text))::date
                - (x.booked_at AT TIME ZONE CAST(:zone AS text))::date)
            {in_departments}
        ORDER BY x.appointment_id
    """,
    "missed": """
        SELECT x.appointment_id::text AS position, x.appointment_id::text AS subject, x.appointment_id,
            {person}, x.starts_at AS at, {place}, {no_item}
        FROM audience_appointments AS x JOIN audience_patients AS p USING (patient_id)
        WHERE x.appointment_id > CAST(coalesce(:after, {first_id}) AS uuid)
            AND NOT p.deceased AND x.status = 'missed'
            AND x.starts_at >= :begins_at AND x.starts_at < :ends_at {in_departments}
        ORDER BY x.appointment_id
    """,
    "discharged": """
        SELECT x.discharge_id::text AS position, x.discharge_id::text AS subject, NULL::uuid AS appointment_id,
            {person}, x.discharged_at AS at, {place}, {no_item}
        FROM audience_discharges AS x JOIN audience_patients AS p USING (patient_id)
        WHERE x.discharge_id > CAST(coalesce(:after, {first_id}) AS uuid)
            AND NOT p.deceased AND x.discharged_at >= :begins_at AND x.discharged_at < :ends_at {in_departments}
        ORDER BY x.discharge_id
    """,
    "reminders": """
        SELECT x.reminder_id::text AS position, x.reminder_id::text AS subject, NULL::uuid AS appointment_id,
            {person}, {nowhere}, x.kind AS item, x.note
        FROM audience_reminders AS x JOIN audience_patients AS p USING (patient_id)
        WHERE x.reminder_id > CAST(coalesce(:after, {first_id}) AS uuid)
            AND NOT p.deceased AND x.due_on = :due_on AND x.kind = ANY(CAST(:kinds AS text[]))
        ORDER BY x.reminder_id
    """,
    # One row a patient: the visit with the smallest lot. The lots are drawn by the seed, so they are always the same.
    "visit_sample": """
        SELECT * FROM (
            SELECT drawn.lot AS position, x.visit_id::text AS subject, NULL::uuid AS appointment_id,
                {person}, x.visited_at AS at, {place}, {no_item}
            FROM (
                SELECT DISTINCT ON (visit.patient_id) visit.visit_id,
                    md5(CAST(:seed AS text) || visit.visit_id::text) AS lot
                FROM audience_visits AS visit JOIN audience_patients AS owner USING (patient_id)
                WHERE NOT owner.deceased AND visit.visited_at >= :begins_at AND visit.visited_at < :ends_at
                    AND (CAST(:departments AS text[]) IS NULL OR visit.department_code = ANY(:departments))
                ORDER BY visit.patient_id, lot
            ) AS drawn
            JOIN audience_visits AS x USING (visit_id) JOIN audience_patients AS p USING (patient_id)
            ORDER BY drawn.lot LIMIT :size
        ) AS sample
        WHERE position COLLATE "C" > coalesce(:after, '') COLLATE "C"
        ORDER BY position COLLATE "C"
    """,
    # A number is a hint: whose it is counts only if it was proved, else it is a contact person.
    "busy_line": """
        SELECT call.caller_number AS position, call.caller_number AS subject, NULL::uuid AS appointment_id,
            p.patient_id, coalesce(p.name, '') AS name, coalesce(call.language, p.language, 'zh') AS language,
            NULL::text AS email, ARRAY[call.caller_number]::text[] AS numbers, NULL::date AS birth_date,
            call.started_at AS at, '' AS department_zh, '' AS department_en, '' AS doctor_zh, '' AS doctor_en,
            '' AS item, '' AS note
        FROM (
            SELECT DISTINCT ON (caller_number COLLATE "C") *
            FROM audience_calls
            WHERE direction = 'inbound' AND outcome IN ('abandoned', 'refused') AND caller_number IS NOT NULL
                AND started_at >= :begins_at AND started_at < :ends_at
                AND caller_number COLLATE "C" > coalesce(:after, '') COLLATE "C"
            ORDER BY caller_number COLLATE "C", started_at DESC
        ) AS call
        LEFT JOIN audience_patients AS p ON p.patient_id = call.patient_id AND call.verified AND NOT p.deceased
        WHERE NOT EXISTS (
            SELECT FROM audience_calls AS later
            WHERE later.caller_number = call.caller_number AND later.direction = 'inbound'
                AND later.outcome = 'answered'
                AND later.started_at >= call.started_at AND later.started_at < :ends_at
        )
        ORDER BY call.caller_number COLLATE "C"
    """,
}


_QUERIES = {name: template.format(**_PIECES) for name, template in _TEMPLATES.items()}


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One row of an audience. ``subject``: of what the occasion is; ``at``: of an appointment, visit, call..."""

    position: str
    subject: str
    appointment_id: UUID | None
    patient_id: UUID | None
    name: str
    language: str
    email: str | None
    numbers: Sequence[str]
    birth_date: date | None
    at: datetime | None
    department_zh: str
    department_en: str
    doctor_zh: str
    doctor_en: str
    item: str
    note: str


async def find_rows(
    session: AsyncSession, query: str, parameters: Mapping[str, Any], *, after: str | None, limit: int
) -> list[FoundRow]:
    """The next ``limit`` behind ``after``, in order."""
    statement = text(f"{_QUERIES[query]} LIMIT :limit")
    rows = await session.execute(statement, {**parameters, "after": after, "limit": limit})
    return [FoundRow(**row) for row in rows.mappings()]


async def count_rows(session: AsyncSession, query: str, parameters: Mapping[str, Any]) -> int:
    statement = text(f"SELECT count(*) FROM ({_QUERIES[query]}) AS found")  # noqa: S608 - a query of this file
    return int(await session.scalar(statement, {**parameters, "after": None}) or 0)


# -- triggers and their days


async def find_trigger(session: AsyncSession, campaign_id: UUID) -> CampaignTrigger | None:
    return await session.get(CampaignTrigger, campaign_id, populate_existing=True)


async def list_daily(session: AsyncSession, pbx: str, at: datetime) -> Sequence[tuple[Campaign, CampaignTrigger]]:
    """Running campaigns of this PBX that look for people by themselves."""
    query = (
        select(Campaign, CampaignTrigger)
        .join(CampaignTrigger, CampaignTrigger.campaign_id == Campaign.id)
        .where(
            Campaign.pbx == pbx,
            Campaign.state == CampaignState.RUNNING,
            Campaign.starts_at <= at,
            Campaign.ends_at > at,
            CampaignTrigger.at_time.is_not(None),
        )
        .order_by(Campaign.priority.desc(), Campaign.id)
    )
    return [(campaign, trigger) for campaign, trigger in await session.execute(query)]


async def list_days(session: AsyncSession, campaign_id: UUID, *, limit: int) -> Sequence[CampaignTriggerDay]:
    """The latest first."""
    query = select(CampaignTriggerDay).where(CampaignTriggerDay.campaign_id == campaign_id)
    return (await session.scalars(query.order_by(CampaignTriggerDay.day.desc()).limit(limit))).all()


async def list_finished_days(session: AsyncSession, campaign_id: UUID, since: date) -> set[date]:
    query = select(CampaignTriggerDay.day).where(
        CampaignTriggerDay.campaign_id == campaign_id,
        CampaignTriggerDay.day >= since,
        CampaignTriggerDay.finished_at.is_not(None),
    )
    return set(await session.scalars(query))


async def lock_day(session: AsyncSession, campaign_id: UUID, day: date, at: datetime) -> CampaignTriggerDay | None:
    """The row of the day, made if there is none; None: another is at it now."""
    new = insert(CampaignTriggerDay).values(
        campaign_id=campaign_id, day=day, found=0, added=0, unreachable=0, started_at=at
    )
    await session.execute(new.on_conflict_do_nothing())
    query = select(CampaignTriggerDay).where(
        CampaignTriggerDay.campaign_id == campaign_id, CampaignTriggerDay.day == day
    )
    locked = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return (await session.scalars(locked)).one_or_none()


async def restart_days(session: AsyncSession, campaign_id: UUID) -> None:
    """Days that are not done begin again: their positions are of another audience."""
    unfinished = update(CampaignTriggerDay).where(
        CampaignTriggerDay.campaign_id == campaign_id, CampaignTriggerDay.finished_at.is_(None)
    )
    await session.execute(unfinished.values(position=None))


async def list_standards(session: AsyncSession) -> set[str]:
    """Which standard campaigns there are."""
    known = await session.scalars(select(CampaignTrigger.standard))
    return {standard for standard in known if standard is not None}


async def lock_standards(session: AsyncSession) -> None:
    """Two who make them at once: the second waits, and finds them."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('callcenter.campaigns.standard'))"))


# -- files


async def lock_import(session: AsyncSession, import_id: UUID) -> CampaignImport:
    query = select(CampaignImport).where(CampaignImport.id == import_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def find_import(
    session: AsyncSession, campaign_id: UUID, import_id: UUID, *, lock: bool = False
) -> CampaignImport | None:
    query = select(CampaignImport).where(CampaignImport.id == import_id, CampaignImport.campaign_id == campaign_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    return (await session.scalars(query)).one_or_none()


async def list_imports(session: AsyncSession, campaign_id: UUID, *, limit: int) -> Sequence[CampaignImport]:
    """The latest first."""
    query = select(CampaignImport).where(CampaignImport.campaign_id == campaign_id)
    return (await session.scalars(query.order_by(CampaignImport.id.desc()).limit(limit))).all()


async def list_problems(session: AsyncSession, import_id: UUID, *, limit: int) -> Sequence[CampaignImportProblem]:
    """In the file's order."""
    query = select(CampaignImportProblem).where(CampaignImportProblem.import_id == import_id)
    in_order = query.order_by(CampaignImportProblem.line, CampaignImportProblem.column)
    return (await session.scalars(in_order.limit(limit))).all()
