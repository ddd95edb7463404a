"""All SQL of patients, but the upserts (:mod:`callcenter.core.upsert`)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    Select,
    String,
    bindparam,
    delete,
    exists,
    func,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.conditions import id_one_of, one_of
from callcenter.patients.models import (
    Appointment,
    Card,
    CodeCounter,
    Discharge,
    Patient,
    PatientNumber,
    VipGrade,
    Visit,
)

MAX_PATIENTS_OF_NUMBER = 50
"""A number shared by more (a ward's switchboard) recognises nobody in particular anyway."""

MAX_RECORDS = 20
NARROW_NAME = 2
"""So many signs of a name an agent must know."""


def _patients_of(e164: ColumnElement[str]) -> Select[UUID, str, str, str | None, int, bool, UUID | None]:
    return (
        select(
            Patient.id,
            Patient.name,
            Patient.language,
            Patient.vip_grade,
            func.coalesce(VipGrade.head_start_seconds, 0).label("head_start_seconds"),
            Patient.deceased,
            Patient.responsible_doctor_id,
        )
        .join(PatientNumber, PatientNumber.patient_id == Patient.id)
        .outerjoin(VipGrade, VipGrade.code == Patient.vip_grade)
        .where(PatientNumber.e164 == e164)
        .order_by(func.coalesce(VipGrade.head_start_seconds, 0).desc(), Patient.id)
        .limit(MAX_PATIENTS_OF_NUMBER)
    )


PATIENTS_OF_NUMBER = _patients_of(bindparam("e164"))
"""Who may be calling from ``e164``, with their VIP head start: by the primary keys of three tables, nothing scanned.

Best head start first, so that the cut at MAX_PATIENTS_OF_NUMBER never loses a VIP. Made once, and columns instead of
a Patient: every call asks this, and building the statement and the entity takes longer than the query.
"""

_WANTED = func.unnest(bindparam("e164s", type_=ARRAY(String))).table_valued("e164").render_derived("wanted")
_KNOWN = _patients_of(_WANTED.c.e164).lateral("known")
PATIENTS_OF_NUMBERS = select(_WANTED.c.e164, *_KNOWN.c).select_from(_WANTED.join(_KNOWN, true()))
"""The same for each of several numbers, ``e164s``, which stands first in each row."""


def active_cards_of_number(e164: str, *, limit: int) -> Executable:
    """The cards that may open the line to a caller of this number, each with its patient and head start."""
    return (
        select(Card, Patient, VipGrade.head_start_seconds)
        .join(Patient, Patient.id == Card.patient_id)
        .join(PatientNumber, PatientNumber.patient_id == Patient.id)
        .outerjoin(VipGrade, VipGrade.code == Patient.vip_grade)
        .where(PatientNumber.e164 == e164, Card.active)
        .order_by(Card.number)
        .limit(limit)
    )


def active_cards_of_digits(digits: str, *, limit: int) -> Executable:
    """The cards whose number has these digits, each with its patient and head start."""
    return (
        select(Card, Patient, VipGrade.head_start_seconds)
        .join(Patient, Patient.id == Card.patient_id)
        .outerjoin(VipGrade, VipGrade.code == Patient.vip_grade)
        .where(Card.digits == digits, Card.active)
        .order_by(Card.number)
        .limit(limit)
    )


@dataclass(frozen=True, slots=True)
class PatientSearch:
    """All criteria that are not None must hold. ``name_prefix`` is taken literally."""

    external_id: str | None = None
    name_prefix: str | None = None
    e164: str | None = None
    card_number: str | None = None

    @property
    def is_wide(self) -> bool:
        """Whether it may list patients whom the asker does not mean."""
        if (self.external_id, self.e164, self.card_number) != (None, None, None):
            return False
        return self.name_prefix is None or len(self.name_prefix) < NARROW_NAME


async def search_patients(
    session: AsyncSession, search: PatientSearch, *, after: UUID | None, limit: int
) -> Sequence[Patient]:
    """In order of id (the time they were recorded), from the one behind ``after``."""
    statement = select(Patient).order_by(Patient.id).limit(limit)
    if after is not None:
        statement = statement.where(Patient.id > after)
    if search.external_id is not None:
        statement = statement.where(Patient.external_id == search.external_id)
    if search.name_prefix is not None:
        statement = statement.where(Patient.name.startswith(search.name_prefix, autoescape=True))
    if search.e164 is not None:
        numbers = select(PatientNumber.patient_id).where(PatientNumber.e164 == search.e164)
        statement = statement.where(Patient.id.in_(numbers))
    if search.card_number is not None:
        cards = select(Card.patient_id).where(Card.number == search.card_number)
        statement = statement.where(Patient.id.in_(cards))
    return (await session.scalars(statement)).all()


async def find_patient(session: AsyncSession, patient_id: UUID) -> Patient | None:
    return await session.get(Patient, patient_id)


async def ids_by_external_id(session: AsyncSession, external_ids: Collection[str]) -> dict[str, UUID]:
    """Of those that there are."""
    query = select(Patient.external_id, Patient.id).where(one_of(Patient.external_id, external_ids))
    return {row.external_id: row.id for row in await session.execute(query)}


async def find_patient_by_external_id(session: AsyncSession, external_id: str) -> Patient | None:
    found: Patient | None = await session.scalar(
        select(Patient).where(Patient.external_id == external_id).execution_options(populate_existing=True)
    )
    return found


async def relations_of(session: AsyncSession, e164: str) -> dict[UUID, str]:
    """Whose number it is: patient to ``self``, ``family``..."""
    statement = select(PatientNumber.patient_id, PatientNumber.relation).where(PatientNumber.e164 == e164)
    return {row.patient_id: row.relation for row in await session.execute(statement.limit(MAX_PATIENTS_OF_NUMBER))}


async def numbers_of(session: AsyncSession, patient_id: UUID) -> Sequence[PatientNumber]:
    statement = select(PatientNumber).where(PatientNumber.patient_id == patient_id).order_by(PatientNumber.e164)
    return (await session.scalars(statement)).all()


async def cards_of(session: AsyncSession, patient_id: UUID) -> Sequence[Card]:
    return (await session.scalars(select(Card).where(Card.patient_id == patient_id).order_by(Card.number))).all()


async def last_visits(session: AsyncSession, patient_id: UUID) -> Sequence[Visit]:
    statement = select(Visit).where(Visit.patient_id == patient_id).order_by(Visit.visited_at.desc())
    return (await session.scalars(statement.limit(MAX_RECORDS))).all()


async def last_discharges(session: AsyncSession, patient_id: UUID) -> Sequence[Discharge]:
    statement = select(Discharge).where(Discharge.patient_id == patient_id).order_by(Discharge.discharged_at.desc())
    return (await session.scalars(statement.limit(MAX_RECORDS))).all()


async def last_appointments(session: AsyncSession, patient_id: UUID) -> Sequence[Appointment]:
    """The latest first, so coming ones before past ones."""
    statement = select(Appointment).where(Appointment.patient_id == patient_id).order_by(Appointment.starts_at.desc())
    return (await session.scalars(statement.limit(MAX_RECORDS))).all()


async def delete_number(session: AsyncSession, patient_id: UUID, e164: str) -> bool:
    """False if the patient did not have it."""
    gone = await session.scalar(
        delete(PatientNumber)
        .where(PatientNumber.patient_id == patient_id, PatientNumber.e164 == e164)
        .returning(PatientNumber.e164)
    )
    return gone is not None


async def find_card(session: AsyncSession, number: str, *, lock: bool = False) -> Card | None:
    statement = select(Card).where(Card.number == number)
    found: Card | None = await session.scalar(statement.with_for_update() if lock else statement)
    return found


# -- wrong check codes

CounterKey = tuple[str, str]
"""Scope and subject of a counter. Whoever locks several takes them in this order, so that none waits in a ring."""


_ANY_LOCKED = text(
    """
    SELECT EXISTS (
        SELECT FROM code_counters
        JOIN unnest(CAST(:scopes AS text[]), CAST(:subjects AS text[])) AS asked (scope, subject) USING (scope, subject)
        WHERE locked_until > :at
    )
    """
)


async def any_counter_locked(session: AsyncSession, keys: Sequence[CounterKey], at: datetime) -> bool:
    """Whether one of ``keys`` takes no guess at ``at``, as far as is committed. All that a flood costs us."""
    scopes, subjects = zip(*keys, strict=True)
    return bool(await session.scalar(_ANY_LOCKED, {"scopes": scopes, "subjects": subjects, "at": at}))


async def lock_code_counters(session: AsyncSession, keys: Sequence[CounterKey]) -> Sequence[CodeCounter]:
    """Those of ``keys`` that there are, locked."""
    in_order = (CodeCounter.scope.collate("C"), CodeCounter.subject.collate("C"))  # as Python sorts
    statement = select(CodeCounter).where(_counter_key.in_(keys)).order_by(*in_order).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def make_code_counters(session: AsyncSession, keys: Sequence[CounterKey], at: datetime) -> Sequence[CodeCounter]:
    """All of ``keys``, new ones empty, locked; by one statement, which also sees what others have just made."""
    rows = [{"scope": scope, "subject": subject, "failed_at": [], "touched_at": at} for scope, subject in sorted(keys)]
    new = insert(CodeCounter).values(rows)
    statement = new.on_conflict_do_update(index_elements=["scope", "subject"], set_={"touched_at": at})
    made = await session.scalars(statement.returning(CodeCounter), execution_options={"populate_existing": True})
    return made.all()


_counter_key = tuple_(CodeCounter.scope, CodeCounter.subject)


@dataclass(frozen=True, slots=True)
class LockedCards:
    """The cards of one patient that take no code until ``locked_until`` (the latest of them)."""

    patient_id: UUID
    numbers: tuple[str, ...]
    locked_until: datetime


async def locked_cards(
    session: AsyncSession, scope: str, at: datetime, *, after: UUID | None, limit: int
) -> list[LockedCards]:
    """Cards locked at ``at``, one entry a patient, in order of the patient's id, from the one behind ``after``."""
    statement = (
        select(
            Card.patient_id,
            func.array_agg(aggregate_order_by(Card.number, Card.number)),
            func.max(CodeCounter.locked_until),
        )
        .join(CodeCounter, CodeCounter.subject == Card.number)
        .where(CodeCounter.scope == scope, CodeCounter.locked_until > at)
        .group_by(Card.patient_id)
        .order_by(Card.patient_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Card.patient_id > after)
    rows = await session.execute(statement)
    return [LockedCards(patient_id, tuple(numbers), until) for patient_id, numbers, until in rows if until]


async def purge_code_counters(session: AsyncSession, before: datetime) -> None:
    """Counters that nobody touched since ``before``, but those in use at this moment."""
    old = select(CodeCounter.scope, CodeCounter.subject).where(CodeCounter.touched_at < before)
    await session.execute(delete(CodeCounter).where(_counter_key.in_(old.with_for_update(skip_locked=True))))


async def vip_grades(session: AsyncSession) -> Sequence[VipGrade]:
    return (await session.scalars(select(VipGrade).order_by(VipGrade.head_start_seconds.desc(), VipGrade.code))).all()


async def find_vip_grade(session: AsyncSession, code: str) -> VipGrade | None:
    return await session.get(VipGrade, code, populate_existing=True)


async def vip_grade_is_used(session: AsyncSession, code: str) -> bool:
    return bool(await session.scalar(select(exists().where(Patient.vip_grade == code))))


async def list_states(session: AsyncSession, patient_ids: Collection[UUID]) -> Sequence[Row[UUID, bool, bool]]:
    """``deceased``, and ``in_hospital``: the last admission (an inpatient visit) is later than the last discharge."""
    admitted = (
        select(func.max(Visit.visited_at))
        .where(Visit.patient_id == Patient.id, Visit.kind == "inpatient")
        .scalar_subquery()
    )
    discharged = select(func.max(Discharge.discharged_at)).where(Discharge.patient_id == Patient.id).scalar_subquery()
    in_hospital = func.coalesce(admitted > func.coalesce(discharged, datetime.min.replace(tzinfo=UTC)), False)
    query = select(Patient.id, Patient.deceased, in_hospital.label("in_hospital"))
    return (await session.execute(query.where(id_one_of(Patient.id, patient_ids)))).all()


async def answer_appointment(session: AsyncSession, appointment_id: UUID, status: str) -> None:
    await session.execute(
        update(Appointment)
        .where(Appointment.id == appointment_id, Appointment.status.in_(("booked", "confirmed")))
        .values(status=status)
    )
