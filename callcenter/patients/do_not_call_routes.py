"""HTTP of patients who do not want to be called. The list itself: callcenter.callouts.do_not_call_routes."""

from uuid import UUID

from fastapi import APIRouter, Request, Response, UploadFile

from callcenter.callouts import do_not_call
from callcenter.callouts.do_not_call_routes import Keeper, Staff, may_see_numbers
from callcenter.callouts.do_not_call_schemas import DoNotCallResponse, DoNotCallWish
from callcenter.callouts.policy import Home
from callcenter.core.clock import now
from callcenter.core.http import DbSession, NumberPlanOf, get_database
from callcenter.core.problems import problem_responses
from callcenter.patients import do_not_call_import, service
from callcenter.patients.schemas import DoNotCallImportResponse, ImportProblem

router = APIRouter(tags=["patients"], responses=problem_responses(401, 403))


@router.post(
    "/patients/{patient_id}/do-not-call",
    status_code=201,
    responses={200: {"model": DoNotCallResponse}, **problem_responses(404)},
)
async def add_patient_to_do_not_call(
    patient_id: UUID, body: DoNotCallWish, access: Staff, session: DbSession, response: Response
) -> DoNotCallResponse:
    """No campaign calls this person any more, at whichever number, nor writes to them; staff are warned.

    Who is listed takes the new reason (200). It is taken back as a number is (`/do-not-call/{entry_id}/remove`).
    """
    await service.require_patient(session, patient_id)
    entry, is_new = await do_not_call.add_entry(
        session, access.actor, patient_id, reason=body.reason, until=body.until, call_id=body.call_id, at=now()
    )
    response.status_code = 201 if is_new else 200
    return DoNotCallResponse.of(entry, at=now(), show_number=may_see_numbers(access))


@router.post("/do-not-call/import", responses=problem_responses(413))
async def import_do_not_call(
    file: UploadFile, access: Keeper, request: Request, plan: NumberPlanOf
) -> DoNotCallImportResponse:
    """Put a CSV or XLSX file on the list: columns `number` or `external_id`, `reason`, `until` (the last day).

    Good rows are listed, bad rows told; who is listed already stays so, for the longer of both spans.
    """
    zone = Home.of(request.app.state.settings).zone
    report = await do_not_call_import.import_do_not_call(
        get_database(request), access.actor, file.file, plan=plan, zone=zone
    )
    problems = [
        ImportProblem(line=one.line, column=one.column, reason=one.reason, text_zh=zh, text_en=en)
        for one in report.problems[:1000]
        for zh, en in [do_not_call_import.REASONS[one.reason]]
    ]
    return DoNotCallImportResponse(
        rows=report.rows, added=report.added, listed=report.listed, rejected=report.rejected, problems=problems
    )
