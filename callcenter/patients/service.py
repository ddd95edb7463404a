"""Rules of patients: who is calling, whose card it is, and how records are read and kept.

Whoever reads or changes a patient does it through here with an actor, and is audited in the same transaction.
The exceptions are recognition and the check of a code (code_guard): the call's own trace tells of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.security import keyed_code_hash
from callcenter.core.upsert import Written, put_row
from callcenter.directory import service as directory
from callcenter.patients import queries
from callcenter.patients.errors import (
    CardTaken,
    CheckCodeMissing,
    NumberNotFound,
    PatientNotFound,
    UnknownPatient,
    UnknownVipGrade,
    UnreadableNumber,
    VipGradeInUse,
    VipGradeNotFound,
)
from callcenter.patients.models import (
    Appointment,
    Card,
    Discharge,
    Patient,
    PatientNumber,
    PatientReminder,
    VipGrade,
    Visit,
)


@dataclass(frozen=True, slots=True)
class RecognisedPatient:
    """A patient as far as a call may know of them before anybody has spoken."""

    id: UUID
    name: str
    language: str
    vip_grade: str | None
    head_start_seconds: int
    deceased: bool
    responsible_doctor_id: UUID | None


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Whom a caller's number may belong to: a hint, since numbers can be forged."""

    e164: str | None
    patients: tuple[RecognisedPatient, ...]

    @property
    def vip_grade(self) -> str | None:
        """The grade with the longest head start among the living patients."""
        best = self._best()
        return best.vip_grade if best else None

    @property
    def head_start_seconds(self) -> int:
        best = self._best()
        return best.head_start_seconds if best else 0

    def _best(self) -> RecognisedPatient | None:
        vips = [patient for patient in self.patients if patient.vip_grade is not None and not patient.deceased]
        return max(vips, key=lambda patient: patient.head_start_seconds, default=None)


NOBODY = CallerIdentity(None, ())
"""Of a withheld number."""


async def recognise_caller(session: AsyncSession, e164: str | None) -> CallerIdentity:
    """The patients of a caller's number, in one query over primary keys; of nobody for a withheld number."""
    if e164 is None:
        return NOBODY
    rows = await session.execute(queries.PATIENTS_OF_NUMBER, {"e164": e164})
    return CallerIdentity(e164, tuple(RecognisedPatient(**row._mapping) for row in rows))


async def recognise_callers(session: AsyncSession, e164s: Collection[str]) -> Mapping[str, CallerIdentity]:
    """As :func:`recognise_caller`, of several numbers at once."""
    if not e164s:
        return {}
    found: dict[str, list[RecognisedPatient]] = {e164: [] for e164 in e164s}
    for e164, *patient in await session.execute(queries.PATIENTS_OF_NUMBERS, {"e164s": list(found)}):
        found[e164].append(RecognisedPatient(*patient))
    return {e164: CallerIdentity(e164, tuple(patients)) for e164, patients in found.items()}


def recognised(patient: Patient, head_start_seconds: int | None) -> RecognisedPatient:
    """``head_start_seconds``: of the patient's VIP grade, None without one."""
    return RecognisedPatient(
        id=patient.id,
        name=patient.name,
        language=patient.language,
        vip_grade=patient.vip_grade,
        head_start_seconds=head_start_seconds or 0,
        deceased=patient.deceased,
        responsible_doctor_id=patient.responsible_doctor_id,
    )


# -- reading


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """Everything that is known of a patient, as far as people may see it."""

    patient: Patient
    vip: VipGrade | None
    numbers: Sequence[PatientNumber]
    cards: Sequence[Card]
    visits: Sequence[Visit]
    discharges: Sequence[Discharge]
    appointments: Sequence[Appointment]
    names: directory.Names


async def search_patients(
    session: AsyncSession, actor: Actor, search: queries.PatientSearch, *, after: UUID | None, limit: int
) -> tuple[Sequence[Patient], bool]:
    """Up to ``limit`` patients, each of whom counts as looked at, and whether there are more."""
    found = await queries.search_patients(session, search, after=after, limit=limit + 1)
    patients = found[:limit]
    for patient in patients:
        record_audit(session, actor, "patients.list", patient_id=patient.id)
    return patients, len(found) > limit


async def get_record(session: AsyncSession, actor: Actor, patient_id: UUID, **how: Any) -> PatientRecord:
    """``how``: what the audit says beside (the call on which it is looked at). Raises PatientNotFound."""
    patient = await _get(session, patient_id)
    record_audit(session, actor, "patients.read", patient_id=patient_id, **how)
    visits = await queries.last_visits(session, patient_id)
    discharges = await queries.last_discharges(session, patient_id)
    appointments = await queries.last_appointments(session, patient_id)
    happened: tuple[Visit | Discharge | Appointment, ...] = (*visits, *discharges, *appointments)
    return PatientRecord(
        patient=patient,
        vip=await queries.find_vip_grade(session, patient.vip_grade) if patient.vip_grade else None,
        numbers=await queries.numbers_of(session, patient_id),
        cards=await queries.cards_of(session, patient_id),
        visits=visits,
        discharges=discharges,
        appointments=appointments,
        names=await directory.names_of(
            session,
            department_ids=[one.department_id for one in happened],
            doctor_ids=[patient.responsible_doctor_id, *(one.doctor_id for one in happened)],
        ),
    )


async def require_patient(session: AsyncSession, patient_id: UUID) -> None:
    """Raises PatientNotFound."""
    await _get(session, patient_id)


async def _get(session: AsyncSession, patient_id: UUID) -> Patient:
    patient = await queries.find_patient(session, patient_id)
    if patient is None:
        raise PatientNotFound
    return patient


# -- changing


async def put_patient(
    session: AsyncSession, actor: Actor, external_id: str, *, responsible_doctor: str | None, **values: Any
) -> tuple[UUID, Written]:
    """Create the patient or make them hold ``values`` (columns of Patient); their id and what was done.

    Raises UnknownVipGrade, UnknownDoctor.
    """
    if values["vip_grade"] is not None and await queries.find_vip_grade(session, values["vip_grade"]) is None:
        raise UnknownVipGrade
    values["responsible_doctor_id"] = await directory.doctor_id_of(session, responsible_doctor)
    at = now()
    written = await put_row(
        session,
        Patient,
        {"external_id": external_id},
        values,
        when_new={"id": new_id(), "created_at": at, "updated_at": at},
        touch={"updated_at": at},
    )
    patient = await queries.find_patient_by_external_id(session, external_id)
    if patient is None:
        raise PatientNotFound
    record_audit(session, actor, "patients.put", patient_id=patient.id, written=written)
    return patient.id, written


async def put_number(
    session: AsyncSession, actor: Actor, patient_id: UUID, raw: str, relation: str, *, plan: NumberPlan
) -> str:
    """Give the patient a number, or change whose it is; returns its E.164. Raises UnreadableNumber."""
    await _get(session, patient_id)
    e164 = _readable(plan, raw)
    written = await put_row(session, PatientNumber, {"e164": e164, "patient_id": patient_id}, {"relation": relation})
    record_audit(session, actor, "patients.put_number", patient_id=patient_id, written=written)
    return e164


async def remove_number(session: AsyncSession, actor: Actor, patient_id: UUID, raw: str, *, plan: NumberPlan) -> None:
    """Raises UnreadableNumber, PatientNotFound, NumberNotFound."""
    await _get(session, patient_id)
    if not await queries.delete_number(session, patient_id, _readable(plan, raw)):
        raise NumberNotFound
    record_audit(session, actor, "patients.remove_number", patient_id=patient_id)


def _readable(plan: NumberPlan, raw: str) -> str:
    e164 = plan.normalise(raw)
    if e164 is None:
        raise UnreadableNumber
    return e164


async def put_card(
    session: AsyncSession,
    actor: Actor,
    patient_id: UUID,
    *,
    number: str,
    check_code: str | None,
    active: bool,
    key: str,
) -> None:
    """Give the patient a card, change its code, open or close it; without ``check_code`` the code stays.

    Raises PatientNotFound, CardTaken, CheckCodeMissing (a new card without code).
    """
    await _get(session, patient_id)
    card = await queries.find_card(session, number, lock=True)
    if card is not None and card.patient_id != patient_id:
        raise CardTaken
    if card is None:
        if check_code is None:
            raise CheckCodeMissing
        card = Card(number=number, patient_id=patient_id)
        session.add(card)
    card.active = active
    if check_code is not None:
        card.check_code_hash = keyed_code_hash(check_code, owner=number, key=key)
    record_audit(session, actor, "patients.put_card", patient_id=patient_id, code_changed=check_code is not None)


async def put_record(
    session: AsyncSession,
    actor: Actor,
    model: type[Visit] | type[Discharge] | type[Appointment],
    external_id: str,
    *,
    patient: str,
    department: str | None,
    doctor: str | None,
    **values: Any,
) -> Written:
    """Keep a visit, discharge or appointment as the hospital's system tells it; repeating it changes nothing.

    ``patient``, ``department`` and ``doctor`` are the hospital's own codes. Raises UnknownPatient,
    UnknownDepartment, UnknownDoctor.
    """
    owner = await queries.find_patient_by_external_id(session, patient)
    if owner is None:
        raise UnknownPatient
    references: Mapping[str, Any] = {
        "patient_id": owner.id,
        "department_id": await directory.department_id_of(session, department),
        "doctor_id": await directory.doctor_id_of(session, doctor),
    }
    written = await put_row(
        session, model, {"external_id": external_id}, {**references, **values}, when_new={"id": new_id()}
    )
    action = f"patients.put_{model.__name__.lower()}"
    record_audit(session, actor, action, subject_id=external_id, patient_id=owner.id, written=written)
    return written


async def put_reminder(
    session: AsyncSession, actor: Actor, external_id: str, *, patient: str, **values: Any
) -> Written:
    """Keep a day on which something is due; repeating it changes nothing. Raises UnknownPatient."""
    owner = await queries.find_patient_by_external_id(session, patient)
    if owner is None:
        raise UnknownPatient
    written = await put_row(
        session,
        PatientReminder,
        {"external_id": external_id},
        {"patient_id": owner.id, **values},
        when_new={"id": new_id()},
    )
    record_audit(session, actor, "patients.put_reminder", subject_id=external_id, patient_id=owner.id, written=written)
    return written


# -- VIP grades


async def put_vip_grade(session: AsyncSession, actor: Actor, code: str, values: Mapping[str, Any]) -> Written:
    """Effective for the next call. ``values``: label_zh, label_en, head_start_seconds, benefits."""
    written = await put_row(session, VipGrade, {"code": code}, values)
    record_audit(session, actor, "patients.put_vip_grade", subject_id=code, written=written)
    return written


async def remove_vip_grade(session: AsyncSession, actor: Actor, code: str) -> None:
    """Raises VipGradeNotFound, VipGradeInUse."""
    grade = await queries.find_vip_grade(session, code)
    if grade is None:
        raise VipGradeNotFound
    if await queries.vip_grade_is_used(session, code):
        raise VipGradeInUse
    await session.delete(grade)
    record_audit(session, actor, "patients.remove_vip_grade", subject_id=code)


@dataclass(frozen=True, slots=True)
class PatientState:
    """Whether calls of the hospital are out of place. ``in_hospital``: came in after the last discharge."""

    deceased: bool
    in_hospital: bool


async def list_states(session: AsyncSession, patient_ids: Collection[UUID]) -> dict[UUID, PatientState]:
    """By patient."""
    rows = await queries.list_states(session, patient_ids)
    return {row.id: PatientState(row.deceased, row.in_hospital) for row in rows}


async def record_appointment_answer(session: AsyncSession, appointment_id: UUID, status: str) -> None:
    """What the patient said of it: ``confirmed`` or ``cancelled``. One that is over, or cancelled, stays as it is."""
    await queries.answer_appointment(session, appointment_id, status)
