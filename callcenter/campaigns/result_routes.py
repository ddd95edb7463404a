"""HTTP of what campaigns have come to: how far they are, counts for charts, files."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.campaigns import lifecycle, result_files, results
from callcenter.campaigns.result_schemas import FileForm, FileLanguage, ResultsResponse, StandingResponse
from callcenter.campaigns.routes import Reader
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.http import DbSession, get_database
from callcenter.core.problems import preferred_language, problem_responses
from callcenter.core.table_files import FILES, file_response

router = APIRouter(tags=["campaigns"], responses=problem_responses(401, 403))

MOST_STANDINGS = 100
LanguageOfFile = Annotated[
    FileLanguage | None, Query(description="Of headings and words, or ask by `Accept-Language`.")
]


@router.get("/campaigns/standings")
async def list_campaign_standings(
    _access: Reader,
    session: DbSession,
    campaign: Annotated[list[UUID], Query(min_length=1, max_length=MOST_STANDINGS, description="Of these.")],
) -> list[StandingResponse]:
    """How far several campaigns are, counted now; one without contacts is left out."""
    found = await results.list_standings(session, campaign, now())
    return [StandingResponse.model_validate(one) for one in found]


@router.get("/campaigns/{campaign_id}/results", responses=problem_responses(404))
async def get_campaign_results(campaign_id: UUID, _access: Reader, session: DbSession) -> ResultsResponse:
    """Counts per status, result, outcome, hour, and per question what was answered; each contact counts once."""
    campaign = await lifecycle.get_campaign(session, campaign_id)
    return ResultsResponse.model_validate(await results.read_results(session, campaign_id, campaign.zone))


@router.get(
    "/campaigns/{campaign_id}/results.csv",
    response_class=StreamingResponse,
    responses=FILES | problem_responses(404),
)
async def export_campaign_results_csv(
    campaign_id: UUID, access: Reader, session: DbSession, request: Request, language: LanguageOfFile = None
) -> StreamingResponse:
    """A row for each contact: status, result, last outcome, answers. Audited."""
    return await _file(session, request, access, campaign_id, language, "csv")


@router.get(
    "/campaigns/{campaign_id}/results.xlsx",
    response_class=StreamingResponse,
    responses=FILES | problem_responses(404),
)
async def export_campaign_results_xlsx(
    campaign_id: UUID, access: Reader, session: DbSession, request: Request, language: LanguageOfFile = None
) -> StreamingResponse:
    """The same as a spreadsheet. Audited."""
    return await _file(session, request, access, campaign_id, language, "xlsx")


async def _file(
    session: AsyncSession,
    request: Request,
    access: Access,
    campaign_id: UUID,
    language: FileLanguage | None,
    form: FileForm,
) -> StreamingResponse:
    campaign = await lifecycle.get_campaign(session, campaign_id)
    said = language or preferred_language(request.headers.get("accept-language", ""))
    questions = await results.list_questions(session, campaign_id)
    record_audit(session, access.actor, "campaigns.export", subject_id=str(campaign_id), format=form)
    return await file_response(
        results.iterate_rows(get_database(request), campaign_id),
        result_files.columns_of(questions, ZoneInfo(campaign.zone), said),
        language=said,
        title=result_files.title(said),
        name="campaign-results",
        form=form,
    )
