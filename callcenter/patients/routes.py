"""HTTP of patients. No name, number or card stands in a URL: searches and removals are POSTs with a body."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, UploadFile

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.clock import now
from callcenter.core.cursors import a_uuid, decode_cursor, encode_cursor, sort_key
from callcenter.core.http import (
    CodeKey,
    DbSession,
    NumberPlanOf,
    Page,
    Paging,
    get_database,
)
from callcenter.core.problems import problem_responses
from callcenter.core.upsert import Written
from callcenter.patients import code_guard, importing, queries, service
from callcenter.patients.errors import SearchTooWide, UnreadableNumber
from callcenter.patients.import_rows import REASONS
from callcenter.patients.models import Appointment, Discharge, Visit
from callcenter.patients.schemas import (
    AppointmentPut,
    AppointmentResponse,
    CardPut,
    CardResponse,
    CardsUnlocked,
    Code,
    DepartmentBrief,
    DischargePut,
    DischargeResponse,
    DoctorBrief,
    ExternalIdInPath,
    ImportProblem,
    ImportResponse,
    LockedCardsResponse,
    NumberPut,
    NumberRemove,
    NumberResponse,
    PatientDetail,
    PatientPut,
    PatientSummary,
    RecordWritten,
    ReminderPut,
    SearchRequest,
    VipGradePut,
    VipGradeResponse,
    VisitPut,
    VisitResponse,
)

router = APIRouter(tags=["patients"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION))]
Carer = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.INTEGRATION))]
Writer = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.INTEGRATION))]
Steward = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Hospital = Annotated[Access, Depends(require(Role.INTEGRATION))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]
Anybody = Annotated[Access, Depends(require())]


@router.post("/patients/search")
async def search_patients(
    body: SearchRequest, access: Reader, session: DbSession, plan: NumberPlanOf
) -> Page[PatientSummary]:
    """Find patients; every one that is listed counts as looked at by the asker. Agents do not list them all."""
    e164 = plan.normalise(body.number) if body.number is not None else None
    if body.number is not None and e164 is None:
        raise UnreadableNumber
    search = queries.PatientSearch(body.external_id, body.name_prefix, e164, body.card_number)
    if not access.has(Role.SUPERVISOR, Role.QUALITY, Role.INTEGRATION) and search.is_wide:
        raise SearchTooWide
    after = sort_key(decode_cursor(body.cursor), a_uuid)
    patients, more = await service.search_patients(session, access.actor, search, after=after, limit=body.limit)
    next_cursor = encode_cursor((str(patients[-1].id),)) if more else None
    return Page(items=[PatientSummary.model_validate(row) for row in patients], next_cursor=next_cursor)


@router.post("/patients/import", responses=problem_responses(413))
async def import_patients(
    file: UploadFile, access: Hospital, request: Request, plan: NumberPlanOf, key: CodeKey
) -> ImportResponse:
    """Load patients from a CSV or XLSX file (docs/patient-import.md); good rows are loaded, bad rows told."""
    report = await importing.import_patients(
        get_database(request), file.file, number_plan=plan, check_code_key=key, actor=access.actor
    )
    problems = [
        ImportProblem(
            line=problem.line,
            column=problem.column,
            reason=problem.reason,
            text_zh=REASONS[problem.reason][0],
            text_en=REASONS[problem.reason][1],
        )
        for problem in report.problems[:1000]
    ]
    return ImportResponse(
        rows=report.rows,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        rejected=report.rejected,
        problems=problems,
        problems_total=len(report.problems),
    )


@router.get("/patients/{patient_id}", responses=problem_responses(404))
async def get_patient(patient_id: UUID, access: Reader, session: DbSession) -> PatientDetail:
    """Everything known of one patient; audited."""
    return _detail(await service.get_record(session, access.actor, patient_id))


@router.put(
    "/patients/by-external-id/{external_id}", responses={201: {"description": "Created.", "model": PatientDetail}}
)
async def put_patient(
    external_id: ExternalIdInPath, body: PatientPut, access: Writer, session: DbSession, response: Response
) -> PatientDetail:
    """Create or replace a patient by the hospital's own id; repeating it changes nothing."""
    patient_id, written = await service.put_patient(session, access.actor, external_id, **body.model_dump())
    response.status_code = 201 if written is Written.CREATED else 200
    return _detail(await service.get_record(session, access.actor, patient_id))


@router.post("/patients/{patient_id}/numbers", responses=problem_responses(404))
async def put_number(
    patient_id: UUID, body: NumberPut, access: Carer, session: DbSession, plan: NumberPlanOf
) -> NumberResponse:
    """Add a number, or say whose it is; repeating it changes nothing."""
    e164 = await service.put_number(session, access.actor, patient_id, body.number, body.relation, plan=plan)
    return NumberResponse(e164=e164, relation=body.relation)


@router.post("/patients/{patient_id}/numbers/remove", status_code=204, responses=problem_responses(404))
async def remove_number(
    patient_id: UUID, body: NumberRemove, access: Carer, session: DbSession, plan: NumberPlanOf
) -> None:
    """Take a number away from the patient."""
    await service.remove_number(session, access.actor, patient_id, body.number, plan=plan)


@router.put("/patients/{patient_id}/cards", responses=problem_responses(404, 409))
async def put_card(patient_id: UUID, body: CardPut, access: Writer, session: DbSession, key: CodeKey) -> CardResponse:
    """Add or change a visit card. The check code is only ever written."""
    await service.put_card(
        session,
        access.actor,
        patient_id,
        number=body.number,
        check_code=body.check_code.get_secret_value() if body.check_code else None,
        active=body.active,
        key=key,
    )
    return CardResponse(number_masked=_masked(body.number), active=body.active)


@router.get("/locked-cards")
async def list_locked_cards(access: Steward, session: DbSession, paging: Paging) -> Page[LockedCardsResponse]:
    """Patients whose cards take no check code now, after too many wrong ones; each counts as looked at."""
    page, more = await code_guard.list_locked_cards(
        session, access.actor, at=now(), after=sort_key(paging.after, a_uuid), limit=paging.limit
    )
    items = [
        LockedCardsResponse(
            patient_id=one.patient_id,
            cards_masked=[_masked(number) for number in one.numbers],
            locked_until=one.locked_until,
        )
        for one in page
    ]
    return Page(items=items, next_cursor=encode_cursor((str(page[-1].patient_id),)) if more else None)


@router.post("/patients/{patient_id}/cards/unlock", responses=problem_responses(404))
async def unlock_cards(patient_id: UUID, access: Steward, session: DbSession) -> CardsUnlocked:
    """Forget the wrong check codes of the patient's cards, so that the next right one counts; audited.

    For a caller who has said who they are by other means. The budgets of the number that calls, of its trunk and
    of the whole line stay.
    """
    return CardsUnlocked(unlocked=await code_guard.unlock_cards(session, access.actor, patient_id, at=now()))


@router.put("/visits/{external_id}", responses={201: {"description": "Created.", "model": RecordWritten}})
async def put_visit(
    external_id: ExternalIdInPath, body: VisitPut, access: Hospital, session: DbSession, response: Response
) -> RecordWritten:
    """Keep an attendance at the hospital; repeating it changes nothing."""
    written = await service.put_record(session, access.actor, Visit, external_id, **body.model_dump())
    response.status_code = 201 if written is Written.CREATED else 200
    return RecordWritten(external_id=external_id, written=written)


@router.put("/discharges/{external_id}", responses={201: {"description": "Created.", "model": RecordWritten}})
async def put_discharge(
    external_id: ExternalIdInPath, body: DischargePut, access: Hospital, session: DbSession, response: Response
) -> RecordWritten:
    """Keep a discharge; repeating it changes nothing."""
    written = await service.put_record(session, access.actor, Discharge, external_id, **body.model_dump())
    response.status_code = 201 if written is Written.CREATED else 200
    return RecordWritten(external_id=external_id, written=written)


@router.put("/appointments/{external_id}", responses={201: {"description": "Created.", "model": RecordWritten}})
async def put_appointment(
    external_id: ExternalIdInPath, body: AppointmentPut, access: Hospital, session: DbSession, response: Response
) -> RecordWritten:
    """Keep an appointment and its status; repeating it changes nothing."""
    written = await service.put_record(session, access.actor, Appointment, external_id, **body.model_dump())
    response.status_code = 201 if written is Written.CREATED else 200
    return RecordWritten(external_id=external_id, written=written)


@router.put("/reminders/{external_id}", responses={201: {"description": "Created.", "model": RecordWritten}})
async def put_reminder(
    external_id: ExternalIdInPath, body: ReminderPut, access: Hospital, session: DbSession, response: Response
) -> RecordWritten:
    """Keep a day on which something is due for a patient: a vaccination, a re-examination, medication."""
    written = await service.put_reminder(session, access.actor, external_id, **body.model_dump())
    response.status_code = 201 if written is Written.CREATED else 200
    return RecordWritten(external_id=external_id, written=written)


@router.get("/vip-grades")
async def list_vip_grades(_access: Anybody, session: DbSession) -> list[VipGradeResponse]:
    """What each grade gives, longest head start first."""
    return [VipGradeResponse.model_validate(grade) for grade in await queries.vip_grades(session)]


@router.put("/vip-grades/{code}", responses={201: {"description": "Created.", "model": VipGradeResponse}})
async def put_vip_grade(
    code: Code, body: VipGradePut, access: Admin, session: DbSession, response: Response
) -> VipGradeResponse:
    """Create or replace a grade; it counts from the next call on."""
    written = await service.put_vip_grade(session, access.actor, code, body.model_dump())
    response.status_code = 201 if written is Written.CREATED else 200
    return VipGradeResponse(code=code, **body.model_dump())


@router.delete("/vip-grades/{code}", status_code=204, responses=problem_responses(404, 409))
async def remove_vip_grade(code: Code, access: Admin, session: DbSession) -> None:
    """Remove a grade that no patient has."""
    await service.remove_vip_grade(session, access.actor, code)


def _masked(card_number: str) -> str:
    return f"****{card_number[-4:]}" if len(card_number) > 6 else "****"


def _detail(record: service.PatientRecord) -> PatientDetail:
    names = record.names

    def doctor(doctor_id: UUID | None) -> DoctorBrief | None:
        found = names.doctors.get(doctor_id) if doctor_id else None
        return DoctorBrief.model_validate(found) if found else None

    def place(row: Visit | Discharge | Appointment) -> dict[str, object]:
        found = names.departments.get(row.department_id) if row.department_id else None
        department = DepartmentBrief.model_validate(found) if found else None
        return {"external_id": row.external_id, "department": department, "doctor": doctor(row.doctor_id)}

    summary = PatientSummary.model_validate(record.patient)
    return PatientDetail(
        **summary.model_dump(),
        email=record.patient.email,
        vip=VipGradeResponse.model_validate(record.vip) if record.vip else None,
        responsible_doctor=doctor(record.patient.responsible_doctor_id),
        numbers=[NumberResponse.model_validate(number) for number in record.numbers],
        cards=[CardResponse(number_masked=_masked(card.number), active=card.active) for card in record.cards],
        visits=[
            VisitResponse(**place(row), kind=row.kind, visited_at=row.visited_at, summary=row.summary)
            for row in record.visits
        ],
        discharges=[
            DischargeResponse(**place(row), discharged_at=row.discharged_at, diagnosis=row.diagnosis)
            for row in record.discharges
        ],
        appointments=[
            AppointmentResponse(**place(row), booked_at=row.booked_at, starts_at=row.starts_at, status=row.status)
            for row in record.appointments
        ],
    )
