"""HTTP of the workload report: a supervisor's own queues' agents, an agent's own row, everybody's for quality."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.cursors import a_text, an_integer, decode_cursor, sort_key
from callcenter.core.http import DbSession, cut_page, get_database
from callcenter.core.problems import preferred_language, problem_responses
from callcenter.core.table_files import FILES, XLSX, file_response
from callcenter.reports import export, queries, service
from callcenter.reports.schemas import WorkloadQuery, WorkloadResponse, WorkloadRowResponse
from callcenter.reports.service import Workload

router = APIRouter(tags=["reports"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION))]
_BY_ACCEPT = {"text/csv": "csv", XLSX: "xlsx"}


@router.get("/workload", response_model=WorkloadResponse, responses=FILES)
async def get_workload(
    query: Annotated[WorkloadQuery, Query()], access: Reader, session: DbSession, request: Request
) -> Response | WorkloadResponse:
    """What agents did, by agent, queue and interval; as a file (all rows, no pages) by `format` or `Accept`.

    For each agent and interval the durations of the states add up to the logged-in time.
    """
    settings: Settings = request.app.state.settings
    zone = ZoneInfo(settings.time_zone)
    wanted = await _ask(session, access, query, zone, settings.pbx_name)
    form = query.format or _BY_ACCEPT.get(_first(request.headers.get("accept", "")), "json")
    if form != "json":
        record_audit(
            session,
            access.actor,
            "workload.export",
            start=query.start.isoformat(),
            end=query.end.isoformat(),
            interval=query.interval.value,
            agent=query.agent,
            queue=query.queue,
            format=form,
        )
        return await _file(session, request, query, wanted, zone=zone, form=form)
    after = sort_key(decode_cursor(query.cursor), an_integer, a_text, a_text)
    rows = await service.list_page(session, wanted, after=after, limit=query.limit, at=now())
    page, next_cursor = cut_page(rows, query.limit, service.key_of)
    return WorkloadResponse(
        start=wanted.borders[0].astimezone(zone),
        end=wanted.borders[-1].astimezone(zone),
        interval=query.interval,
        group=query.group,
        time_zone=settings.time_zone,
        items=[WorkloadRowResponse.of(row, zone) for row in page],
        next_cursor=next_cursor,
    )


async def _ask(session: AsyncSession, access: Access, query: WorkloadQuery, zone: ZoneInfo, pbx: str) -> Workload:
    """Whose workload the asker may see, of those asked for."""
    borders = service.cut_period(query.start, query.end, query.interval, zone)
    everybody = access.has(Role.QUALITY, Role.INTEGRATION)
    leads = access.has(Role.SUPERVISOR)
    scope = None if everybody or (leads and not access.queue_scope) else access.queue_scope if leads else frozenset()
    people = await queries.list_people(
        session,
        numbers=None if query.agent is None else [query.agent],
        queue=query.queue,
        scope=scope,
        user_id=access.user_id,
    )
    return Workload(
        people=people,
        borders=borders,
        by_agent="agent" in query.group,
        by_queue="queue" in query.group,
        queues=scope if leads else None,
        pbx=pbx,
    )


async def _file(
    session: AsyncSession, request: Request, query: WorkloadQuery, wanted: Workload, *, zone: ZoneInfo, form: str
) -> StreamingResponse:
    language = query.language or preferred_language(request.headers.get("accept-language", ""))
    columns = export.columns_of(
        await agent_queries.list_pause_reasons(session),
        zone,
        by_agent=wanted.by_agent,
        by_queue=wanted.by_queue,
    )
    pages = service.iterate_rows(get_database(request), wanted, at=now())
    return await file_response(
        pages, columns, language=language, title=export.title(language), name="workload", form=form
    )


def _first(accept: str) -> str:
    return accept.partition(",")[0].partition(";")[0].strip()
