"""HTTP of calls and queue figures. Whose calls: a supervisor's queues, an agent's own; numbers masked for most."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calls.export import csv_lines
from callcenter.calls.figures import get_figures, get_ratings
from callcenter.calls.schemas import (
    AgentNumber,
    CallDetail,
    CallId,
    CallQuery,
    CallSearch,
    CallSummary,
    FiguresResponse,
    LegResponse,
    QueueInPath,
    QueueName,
    RatingRow,
    RatingsResponse,
    RecordingResponse,
    StepResponse,
    TimelineResponse,
    VisitResponse,
)
from callcenter.calls.scopes import call_scope_of
from callcenter.calls.search import CallFilter, get_record, list_calls
from callcenter.calls.timeline import tell
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_text, an_instant, decode_cursor, sort_key
from callcenter.core.http import DbSession, NumberPlanOf, Page, cut_page, get_database
from callcenter.core.problems import problem_responses
from callcenter.patients.errors import UnreadableNumber
from callcenter.queues import service as queues
from callcenter.queues.errors import QueueNotFound

router = APIRouter(tags=["calls"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION))]
Counter = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.INTEGRATION))]
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/calls", response_model=Page[CallSummary], responses=_CSV)
async def list_call_records(
    query: Annotated[CallQuery, Query()], access: Reader, session: DbSession, request: Request
) -> Response | Page[CallSummary]:
    """Call detail records, newest first; as CSV (all of them, no pages) by `format=csv` or `Accept: text/csv`."""
    return await _answer(request, session, access, query, _filter(query, None))


@router.post("/calls/search", response_model=Page[CallSummary], responses=_CSV)
async def search_calls(
    body: CallSearch, access: Reader, session: DbSession, request: Request, plan: NumberPlanOf
) -> Response | Page[CallSummary]:
    """The same, also by the caller's number."""
    e164 = plan.normalise(body.caller_number)
    if body.caller_number is not None and e164 is None:
        raise UnreadableNumber
    return await _answer(request, session, access, body, _filter(body, e164))


@router.get("/calls/{call_id}", responses=problem_responses(404))
async def get_call(call_id: CallId, access: Reader, session: DbSession) -> CallDetail:
    """The whole way of a call from ring to hang-up; audited when it names a patient."""
    record = await get_record(session, call_id, await call_scope_of(session, access))
    if record.call.patient_id is not None:
        record_audit(session, access.actor, "calls.read", subject_id=call_id, patient_id=record.call.patient_id)
    return CallDetail(
        **CallSummary.of(record.call, show_number=_may_see_numbers(access)).model_dump(),
        flow=record.call.flow,
        flow_revision=record.call.flow_revision,
        language=record.call.language,
        hung_up_by=record.call.hung_up_by,
        hangup_cause=record.call.hangup_cause,
        legs=[LegResponse.model_validate(leg) for leg in record.legs],
        visits=[VisitResponse.model_validate(visit) for visit in record.visits],
        steps=[StepResponse.model_validate(step) for step in record.steps],
        recordings=[RecordingResponse.model_validate(recording) for recording in record.recordings],
        timeline=[TimelineResponse.model_validate(entry) for entry in tell(record)],
    )


@router.get("/queues/{name}/figures", responses=problem_responses(404))
async def get_queue_figures(
    name: QueueInPath,
    start: Annotated[AwareDatetime, Query(alias="from", examples=["2026-01-05T00:00:00+08:00"])],
    end: Annotated[AwareDatetime, Query(alias="to", description="Excluded.")],
    access: Counter,
    session: DbSession,
) -> FiguresResponse:
    """Figures of a queue over the visits that entered it from `from` until before `to`."""
    if not access.has(Role.QUALITY, Role.INTEGRATION) and not access.covers_queue(name):
        raise QueueNotFound(queue=name)
    queue = await queues.get_queue(session, name)
    figures = await get_figures(
        session,
        name,
        start,
        end,
        service_level_seconds=queue.service_level_seconds,
        short_abandon_seconds=queue.short_abandon_seconds,
    )
    return FiguresResponse.of(
        figures,
        queue_name=name,
        start=start,
        end=end,
        service_level_seconds=queue.service_level_seconds,
        short_abandon_seconds=queue.short_abandon_seconds,
    )


@router.get("/ratings")
async def get_rating_figures(
    start: Annotated[AwareDatetime, Query(alias="from", examples=["2026-01-05T00:00:00+08:00"])],
    end: Annotated[AwareDatetime, Query(alias="to", description="Excluded.")],
    access: Counter,
    session: DbSession,
    queue: QueueName | None = None,
    agent: AgentNumber | None = None,
) -> RatingsResponse:
    """Callers' marks by queue and agent, over the visits that entered from `from` until before `to`."""
    queues = None if queue is None else {queue}
    if not access.has(Role.QUALITY, Role.INTEGRATION) and access.queue_scope:
        queues = set(access.queue_scope) if queues is None else queues & access.queue_scope
    rows = await get_ratings(session, start, end, queues=queues, agent=agent)
    return RatingsResponse(start=start, end=end, rows=[RatingRow.model_validate(row) for row in rows])


async def _answer(
    request: Request, session: AsyncSession, access: Access, query: CallQuery, wanted: CallFilter
) -> Response | Page[CallSummary]:
    scope = await call_scope_of(session, access)
    show_numbers = _may_see_numbers(access)
    criteria = sorted(name for name in query.model_fields_set if name not in {"limit", "cursor", "format"})
    if query.format == "csv" or (query.format is None and _accepts_csv(request)):
        record_audit(session, access.actor, "calls.export", patient_id=query.patient_id, criteria=criteria)
        return StreamingResponse(
            csv_lines(get_database(request), wanted, scope, show_numbers=show_numbers),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="calls.csv"'},
        )
    after = sort_key(decode_cursor(query.cursor), an_instant, a_text)
    rows = await list_calls(session, wanted, scope, after=after, limit=query.limit)
    calls, next_cursor = cut_page(rows, query.limit, lambda call: (call.started_at.isoformat(), call.id))
    patients = sorted({str(call.patient_id) for call in calls if call.patient_id is not None})
    if patients or query.patient_id is not None:
        record_audit(
            session, access.actor, "calls.list", patient_id=query.patient_id, criteria=criteria, patients=patients
        )
    items = [CallSummary.of(call, show_number=show_numbers) for call in calls]
    return Page(items=items, next_cursor=next_cursor)


def _filter(query: CallQuery, e164: str | None) -> CallFilter:
    return CallFilter(
        started_from=query.started_from,
        started_to=query.started_to,
        caller_number=e164,
        patient_id=query.patient_id,
        agent=query.agent,
        queue=query.queue,
        outcome=query.outcome,
        direction=query.direction,
    )


def _may_see_numbers(access: Access) -> bool:
    return access.has(Role.SUPERVISOR, Role.INTEGRATION)


def _accepts_csv(request: Request) -> bool:
    return request.headers.get("accept", "").split(",")[0].split(";")[0].strip() == "text/csv"
