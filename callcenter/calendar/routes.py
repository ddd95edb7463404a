"""HTTP of opening hours, holidays and closures: everybody reads, supervisor and admin change."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calendar import closures, queries, service
from callcenter.calendar.models import Schedule
from callcenter.calendar.public_days import Place
from callcenter.calendar.schemas import (
    CalendarDayResponse,
    CalendarYearResponse,
    ClosureCreate,
    ClosureResponse,
    DayInPath,
    DayInQuery,
    HospitalDayPut,
    HoursBody,
    InstantInQuery,
    OpeningResponse,
    ScheduleNameInPath,
    SchedulePut,
    ScheduleResponse,
    SpecialDayPut,
    SpecialDayResponse,
    YearInPath,
    spans_of,
)
from callcenter.core.clock import now
from callcenter.core.cursors import a_day, a_text, a_uuid, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["calendar"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require())]
Writer = Annotated[Access, Depends(require(Role.SUPERVISOR))]


def get_place(request: Request) -> Place:
    return Place.of(request.app.state.settings)


Here = Annotated[Place, Depends(get_place)]


@router.get("/schedules")
async def list_schedules(_access: Reader, session: DbSession, paging: Paging) -> Page[ScheduleResponse]:
    """All schedules, by name."""
    after = sort_key(paging.after, a_text)
    rows = await queries.schedules_after(session, after=after, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (row.name,))
    return Page(items=[_schedule_body(row) for row in page], next_cursor=next_cursor)


@router.get("/schedules/{name}", responses=problem_responses(404))
async def get_schedule(name: ScheduleNameInPath, _access: Reader, session: DbSession) -> ScheduleResponse:
    """One schedule with its hours."""
    return _schedule_body(await service.get_schedule(session, name))


@router.put("/schedules/{name}", responses={201: {"description": "Created.", "model": ScheduleResponse}})
async def put_schedule(
    name: ScheduleNameInPath, body: SchedulePut, access: Writer, session: DbSession, response: Response
) -> ScheduleResponse:
    """Create or replace a schedule, effective on the next call. A day left out is closed; repeating changes nothing."""
    schedule, created = await service.put_schedule(
        session,
        access.actor,
        name,
        label_zh=body.label_zh,
        label_en=body.label_en,
        hours={day: spans_of(getattr(body.hours, day)) for day in HoursBody.model_fields},
        makeup_weekday=body.makeup_weekday,
    )
    response.status_code = 201 if created else 200
    return _schedule_body(schedule)


@router.get("/schedules/{name}/opening", responses=problem_responses(404))
async def get_opening(
    name: ScheduleNameInPath, _access: Reader, session: DbSession, place: Here, at: InstantInQuery = None
) -> OpeningResponse:
    """Whether it is open at an instant, why not, and when it opens next (within 60 days)."""
    opening = await service.get_opening(session, name, at or now(), place=place)
    return OpeningResponse.model_validate(opening)


@router.get("/schedules/{name}/special-days", responses=problem_responses(404))
async def list_special_days(
    name: ScheduleNameInPath,
    _access: Reader,
    session: DbSession,
    paging: Paging,
    first_day: DayInQuery = None,
    last_day: DayInQuery = None,
) -> Page[SpecialDayResponse]:
    """The days on which this schedule has other hours, in order."""
    await service.get_schedule(session, name)
    after = sort_key(paging.after, a_day)
    if after is not None:
        first_day = after + timedelta(days=1)
    rows = await queries.special_days_of(session, name, first=first_day, last=last_day, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (row.day.isoformat(),))
    return Page(items=[SpecialDayResponse.model_validate(row) for row in page], next_cursor=next_cursor)


@router.put(
    "/schedules/{name}/special-days/{day}",
    responses={201: {"description": "Created.", "model": SpecialDayResponse}, **problem_responses(404)},
)
async def put_special_day(
    name: ScheduleNameInPath,
    day: DayInPath,
    body: SpecialDayPut,
    access: Writer,
    session: DbSession,
    response: Response,
) -> SpecialDayResponse:
    """Other hours on one day, or none; they win over weekday and holiday."""
    created = await service.put_special_day(
        session,
        access.actor,
        name,
        day,
        spans=spans_of(body.spans),
        reason_zh=body.reason_zh,
        reason_en=body.reason_en,
    )
    response.status_code = 201 if created else 200
    return SpecialDayResponse(day=day, **body.model_dump())


@router.delete("/schedules/{name}/special-days/{day}", status_code=204, responses=problem_responses(404))
async def remove_special_day(name: ScheduleNameInPath, day: DayInPath, access: Writer, session: DbSession) -> None:
    """The day is as any other again."""
    await service.remove_special_day(session, access.actor, name, day)


@router.get("/calendar/{year}")
async def get_calendar_year(year: YearInPath, _access: Reader, session: DbSession, place: Here) -> CalendarYearResponse:
    """Public holidays and make-up workdays of a year, with what the hospital changed."""
    found = await service.get_year(session, place, year)
    days = [
        CalendarDayResponse(
            day=day,
            kind=fact.kind,
            counts_as=fact.counts_as,
            name_zh=fact.name_zh,
            name_en=fact.name_en,
            origin="hospital" if day in found.entered else "list",
        )
        for day, fact in found.days.items()
    ]
    return CalendarYearResponse(year=year, list_source=found.source, days=days)


@router.put("/calendar/days/{day}", responses={201: {"description": "Created.", "model": CalendarDayResponse}})
async def put_hospital_day(
    day: DayInPath, body: HospitalDayPut, access: Writer, session: DbSession, response: Response
) -> CalendarDayResponse:
    """What the hospital says of a day, for all schedules; it wins over the published list."""
    created = await service.put_hospital_day(session, access.actor, day, **body.model_dump())
    response.status_code = 201 if created else 200
    return CalendarDayResponse(day=day, origin="hospital", **body.model_dump())


@router.delete("/calendar/days/{day}", status_code=204, responses=problem_responses(404))
async def remove_hospital_day(day: DayInPath, access: Writer, session: DbSession) -> None:
    """The published list decides over the day again."""
    await service.remove_hospital_day(session, access.actor, day)


@router.get("/closures")
async def list_closures(_access: Reader, session: DbSession, paging: Paging) -> Page[ClosureResponse]:
    """Emergency closures, open and past, the newest first."""
    before = sort_key(paging.after, a_uuid)
    rows = await queries.closures_before(session, before=before, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (str(row.id),))
    return Page(items=[ClosureResponse.model_validate(row) for row in page], next_cursor=next_cursor)


@router.post("/closures", status_code=201, responses=problem_responses(409))
async def start_closure(body: ClosureCreate, access: Writer, session: DbSession) -> ClosureResponse:
    """Close a schedule, or all, from this moment, with what callers hear instead: one call is all it takes."""
    closure = await closures.start_closure(session, access.actor, at=now(), **body.model_dump())
    return ClosureResponse.model_validate(closure)


@router.post("/closures/{closure_id}/end", responses=problem_responses(404))
async def end_closure(closure_id: UUID, access: Writer, session: DbSession) -> ClosureResponse:
    """Open again, from this moment; a closure that is over stays as it is."""
    return ClosureResponse.model_validate(await closures.end_closure(session, access.actor, closure_id, at=now()))


def _schedule_body(schedule: Schedule) -> ScheduleResponse:
    return ScheduleResponse(
        name=schedule.name,
        label_zh=schedule.label_zh,
        label_en=schedule.label_en,
        hours=HoursBody.model_validate(schedule),
        makeup_weekday=schedule.makeup_weekday,
    )
