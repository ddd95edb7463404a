"""HTTP of where contacts come from: files, audiences, standard campaigns, and what would happen."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, UploadFile

from callcenter.callouts.policy import Home
from callcenter.campaigns import audience_queries, importing, lifecycle, queries, standard, triggers
from callcenter.campaigns.audience_models import CampaignImport
from callcenter.campaigns.audience_schemas import (
    AudienceBody,
    AudienceCount,
    AudienceResponse,
    ContactImportDetail,
    ContactImportResponse,
    ContactProblem,
    DryRunResponse,
    ForeseenResponse,
    StandardBody,
    StandardResponse,
    TriggerDayResponse,
)
from callcenter.campaigns.audiences import AUDIENCE
from callcenter.campaigns.dry_run import dry_run
from callcenter.campaigns.import_rows import REASONS
from callcenter.campaigns.routes import Admin, Reader, Scheduler, Sender
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.cursors import a_uuid, sort_key
from callcenter.core.db import Database
from callcenter.core.http import DbSession, NumberPlanOf, Paging, cut_page, get_database, open_transaction
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["campaigns"], responses=problem_responses(401, 403))

_SHOWN_PROBLEMS = 1_000
_SHOWN_DAYS = 31
_SHOWN_IMPORTS = 50


def _home(request: Request) -> Home:
    return Home.of(request.app.state.settings)


# -- files


@router.post("/campaigns/{campaign_id}/contacts/import", responses=problem_responses(404, 409, 413))
async def import_campaign_contacts(
    campaign_id: UUID, file: UploadFile, access: Sender, request: Request, plan: NumberPlanOf
) -> ContactImportDetail:
    """Put people in from a CSV or XLSX file (docs/contact-import.md); good rows are put in, bad rows told.

    How far it is can be asked meanwhile (`/imports`), and it can be stopped.
    """
    database = get_database(request)
    import_id = await importing.import_contacts(database, access.actor, campaign_id, file.file, plan=plan)
    return await _import_detail(database, campaign_id, import_id)


@router.get("/campaigns/{campaign_id}/imports", responses=problem_responses(404))
async def list_campaign_imports(campaign_id: UUID, _access: Reader, session: DbSession) -> list[ContactImportResponse]:
    """The last 50 files, the latest first; those that are being read too."""
    await lifecycle.get_campaign(session, campaign_id)
    rows = await audience_queries.list_imports(session, campaign_id, limit=_SHOWN_IMPORTS)
    return [_import_response(one) for one in rows]


@router.get("/campaigns/{campaign_id}/imports/{import_id}", responses=problem_responses(404))
async def get_campaign_import(
    campaign_id: UUID, import_id: UUID, _access: Reader, request: Request
) -> ContactImportDetail:
    """How far a file is, and what was wrong in it."""
    return await _import_detail(get_database(request), campaign_id, import_id)


@router.get(
    "/campaigns/{campaign_id}/imports/{import_id}/rejects.csv",
    responses={200: {"content": {"text/csv": {}}}, **problem_responses(404)},
    response_class=Response,
)
async def get_campaign_import_rejects(
    campaign_id: UUID, import_id: UUID, access: Reader, session: DbSession
) -> Response:
    """The bad rows for who keeps the file: line, column, key, reason in both languages; at most 100,000."""
    await importing.get_import(session, campaign_id, import_id)
    problems = await audience_queries.list_problems(session, import_id, limit=importing.MOST_PROBLEMS)
    record_audit(session, access.actor, "campaigns.read_rejects", subject_id=str(campaign_id), rows=len(problems))
    return Response(
        importing.write_problems(problems),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="rejects.csv"'},
    )


@router.post("/campaigns/{campaign_id}/imports/{import_id}/cancel", responses=problem_responses(404))
async def cancel_campaign_import(
    campaign_id: UUID, import_id: UUID, access: Sender, session: DbSession
) -> ContactImportResponse:
    """Read no more of the file; who is in stays in."""
    return _import_response(await importing.cancel_import(session, access.actor, campaign_id, import_id))


async def _import_detail(database: Database, campaign_id: UUID, import_id: UUID) -> ContactImportDetail:
    async with open_transaction(database) as session:
        one = await importing.get_import(session, campaign_id, import_id)
        problems = await audience_queries.list_problems(session, import_id, limit=_SHOWN_PROBLEMS)
    shown = [
        ContactProblem(
            line=problem.line,
            column=problem.column,
            reason=problem.reason,
            text_zh=REASONS[problem.reason][0],
            text_en=REASONS[problem.reason][1],
        )
        for problem in problems
    ]
    return ContactImportDetail(**_import_response(one).model_dump(), problems=shown)


def _import_response(one: CampaignImport) -> ContactImportResponse:
    return ContactImportResponse(
        id=one.id,
        state=importing.state_of(one, now()),
        reason=one.reason,
        rows=one.rows,
        rows_total=one.rows_total,
        added=one.added,
        existing=one.existing,
        rejected=one.rejected,
        started_at=one.started_at,
        started_by=one.started_by,
        changed_at=one.changed_at,
    )


# -- audiences


@router.get("/campaigns/{campaign_id}/audience", responses=problem_responses(404))
async def get_campaign_audience(campaign_id: UUID, _access: Reader, session: DbSession) -> AudienceResponse:
    """Whom the campaign finds by itself, and what it has found."""
    return await _audience(session, campaign_id)


@router.put("/campaigns/{campaign_id}/audience", responses=problem_responses(404, 409, 422))
async def put_campaign_audience(
    campaign_id: UUID, body: AudienceBody, access: Scheduler, session: DbSession
) -> AudienceResponse:
    """Effective from the next look on. A day that was looked at is not looked at again."""
    await triggers.put_trigger(session, access.actor, campaign_id, body.audience, body.at_time, at=now())
    await session.flush()
    return await _audience(session, campaign_id)


@router.delete("/campaigns/{campaign_id}/audience", status_code=204, responses=problem_responses(404))
async def remove_campaign_audience(campaign_id: UUID, access: Scheduler, session: DbSession) -> None:
    """The campaign finds nobody by itself any more; who is in stays in."""
    await triggers.remove_trigger(session, access.actor, campaign_id)


@router.get("/campaigns/{campaign_id}/audience/count", responses=problem_responses(404))
async def count_campaign_audience(
    campaign_id: UUID,
    _access: Reader,
    session: DbSession,
    request: Request,
    day: Annotated[date | None, Query(description="Of the hospital's calendar; today if left out.")] = None,
) -> AudienceCount:
    """How many it would find on a day, as things stand; nobody is put in."""
    home, at = _home(request), await queries.database_now(session)
    on = day or at.astimezone(home.zone).date()
    return AudienceCount(day=on, found=await triggers.count_found(session, campaign_id, on, home=home, at=at))


@router.post("/campaigns/{campaign_id}/audience/look", responses=problem_responses(404, 409))
async def look_for_campaign_audience(
    campaign_id: UUID, access: Scheduler, request: Request, plan: NumberPlanOf
) -> AudienceResponse:
    """Look now, whatever the hour; it is the day's one look, and a second changes nothing."""
    database = get_database(request)
    await triggers.run_today(database, access.actor, campaign_id, home=_home(request), plan=plan)
    async with open_transaction(database) as session:
        return await _audience(session, campaign_id)


async def _audience(session: DbSession, campaign_id: UUID) -> AudienceResponse:
    trigger = await triggers.get_trigger(session, campaign_id)
    days = await audience_queries.list_days(session, campaign_id, limit=_SHOWN_DAYS)
    return AudienceResponse(
        audience=AUDIENCE.validate_python(trigger.audience),
        at_time=trigger.at_time,
        standard=trigger.standard,
        changed_at=trigger.changed_at,
        changed_by=trigger.changed_by,
        days=[TriggerDayResponse.model_validate(one) for one in days],
    )


@router.post("/campaigns/standard", responses=problem_responses(422))
async def put_standard_campaigns(
    body: StandardBody, access: Admin, session: DbSession, request: Request
) -> StandardResponse:
    """Put in the shipped campaigns that are not there, as drafts; repeating it changes nothing."""
    settings = request.app.state.settings
    made = await standard.put_standards(
        session,
        access.actor,
        pbx=settings.pbx_name,
        zone=settings.time_zone,
        caller_id=body.caller_id,
        at=now(),
    )
    return StandardResponse(
        added=[campaign.id for campaign in made], standards=[one.code for one in standard.STANDARDS]
    )


# -- what would happen


@router.get("/campaigns/{campaign_id}/dry-run", responses=problem_responses(404))
async def dry_run_campaign(
    campaign_id: UUID, access: Reader, session: DbSession, request: Request, paging: Paging
) -> DryRunResponse:
    """Who would be called when, who not and why, by the rules that dial. Nothing is changed. Audited."""
    campaign = await lifecycle.get_campaign(session, campaign_id)
    at = await queries.database_now(session)
    after = sort_key(paging.after, a_uuid)
    run = await dry_run(session, campaign, _home(request), at, after=after, limit=paging.limit)
    page, next_cursor = cut_page(run.page, paging.limit, lambda one: (str(one.contact.id),))
    record_audit(session, access.actor, "campaigns.dry_run", subject_id=str(campaign_id), rows=len(page))
    return DryRunResponse(
        contacts=run.contacts,
        counted=run.counted,
        by_decision=dict(run.by_decision),
        by_reason=dict(run.by_reason),
        items=[
            ForeseenResponse(
                contact_id=one.contact.id,
                key=one.contact.key,
                name=one.contact.name,
                decision=one.decision,
                reason=one.reason,
                at=one.at,
                channel=one.contact.next_channel,
                number=one.number,
            )
            for one in page
        ],
        next_cursor=next_cursor,
    )
