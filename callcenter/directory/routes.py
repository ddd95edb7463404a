"""HTTP of departments and doctors: everybody reads, admin and integration write."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.cursors import a_text, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.directory import queries, service
from callcenter.directory.errors import DepartmentNotFound, DoctorNotFound
from callcenter.directory.models import Department, Doctor
from callcenter.directory.schemas import CodeInPath, DepartmentPut, DepartmentResponse, DoctorPut, DoctorResponse

router = APIRouter(tags=["directory"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require())]
Writer = Annotated[Access, Depends(require(Role.INTEGRATION))]


@router.get("/departments")
async def list_departments(_access: Reader, session: DbSession, paging: Paging) -> Page[DepartmentResponse]:
    """All departments, by code."""
    after = sort_key(paging.after, a_text)
    rows = await queries.entries_after(session, Department, after=after, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (row.code,))
    return Page(items=[DepartmentResponse.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/departments/{code}", responses=problem_responses(404))
async def get_department(code: CodeInPath, _access: Reader, session: DbSession) -> DepartmentResponse:
    """One department by its code."""
    department = await queries.find_entry(session, Department, code)
    if department is None:
        raise DepartmentNotFound
    return DepartmentResponse.model_validate(department)


@router.put("/departments/{code}", responses={201: {"description": "Created.", "model": DepartmentResponse}})
async def put_department(
    code: CodeInPath, body: DepartmentPut, access: Writer, session: DbSession, response: Response
) -> DepartmentResponse:
    """Create or replace a department; repeating it changes nothing."""
    department, created = await service.put_department(
        session, access.actor, code, name_zh=body.name_zh, name_en=body.name_en
    )
    response.status_code = 201 if created else 200
    return DepartmentResponse.model_validate(department)


@router.get("/doctors")
async def list_doctors(_access: Reader, session: DbSession, paging: Paging) -> Page[DoctorResponse]:
    """All doctors, by staff number."""
    after = sort_key(paging.after, a_text)
    rows = await queries.entries_after(session, Doctor, after=after, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (row.code,))
    return Page(items=[DoctorResponse.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/doctors/{code}", responses=problem_responses(404))
async def get_doctor(code: CodeInPath, _access: Reader, session: DbSession) -> DoctorResponse:
    """One doctor by staff number."""
    doctor = await queries.find_entry(session, Doctor, code)
    if doctor is None:
        raise DoctorNotFound
    return DoctorResponse.model_validate(doctor)


@router.put("/doctors/{code}", responses={201: {"description": "Created.", "model": DoctorResponse}})
async def put_doctor(
    code: CodeInPath, body: DoctorPut, access: Writer, session: DbSession, response: Response
) -> DoctorResponse:
    """Create or replace a doctor; repeating it changes nothing."""
    doctor, created = await service.put_doctor(session, access.actor, code, **body.model_dump())
    response.status_code = 201 if created else 200
    return DoctorResponse.model_validate(doctor)
