"""HTTP of quality scores: sheets as data, recordings scored by them, and the agent's own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calls.recording_access import recording_scope
from callcenter.calls.recordings import RecordingScope
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_bigint, an_instant, sort_key
from callcenter.core.http import DbSession, Page, PageRequest, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.quality import queries, service
from callcenter.quality.errors import ScoreNotFound
from callcenter.quality.models import QualityScore
from callcenter.quality.queries import ScoreFilter
from callcenter.quality.schemas import (
    AgentNumber,
    QueueName,
    RevisionResponse,
    ScoreDetail,
    ScorePost,
    ScorePut,
    ScoreReply,
    ScoreSummary,
    SheetName,
    SheetResponse,
)
from callcenter.quality.sheets import Sheet

router = APIRouter(tags=["quality"], responses=problem_responses(401, 403))

Judge = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY))]
Author = Annotated[Access, Depends(require(Role.QUALITY))]
Judged = Annotated[Access, Depends(require(Role.AGENT, Role.EXPERT))]
Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.AGENT, Role.EXPERT))]
Name = Annotated[SheetName, Path(examples=["service"])]
ScoreId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the score.", examples=[5])]


@router.get("/quality/sheets")
async def list_sheets(_access: Reader, session: DbSession) -> list[SheetResponse]:
    """The newest version of each score sheet."""
    return [SheetResponse.model_validate(sheet) for sheet in await queries.list_latest_sheets(session)]


@router.get("/quality/sheets/{name}", responses=problem_responses(404))
async def get_sheet(
    name: Name, _access: Reader, session: DbSession, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> SheetResponse:
    """One version of a score sheet; without `version` the newest."""
    return SheetResponse.model_validate(await service.get_sheet(session, name, version))


@router.put("/quality/sheets/{name}")
async def put_sheet(name: Name, body: Sheet, access: Author, session: DbSession) -> SheetResponse:
    """A new version of a score sheet, by which recordings are scored from now on; scores keep theirs."""
    return SheetResponse.model_validate(await service.put_sheet(session, access.actor, name, body))


@router.post("/quality/scores", status_code=201, responses=problem_responses(404, 409))
async def give_score(body: ScorePost, access: Judge, session: DbSession) -> ScoreDetail:
    """Score a recording in the asker's scope; its agent is told, and may answer once."""
    scope = await _judged_scope(session, access)
    score = await service.give_score(
        session,
        access.actor,
        scope,
        body.recording_id,
        sheet_name=body.sheet,
        answers=body.answers,
        comment=body.comment,
    )
    return await _detail(session, score)


@router.put("/quality/scores/{score_id}", responses=problem_responses(404))
async def revise_score(score_id: ScoreId, body: ScorePut, access: Judge, session: DbSession) -> ScoreDetail:
    """Change a score one has given, with a reason; how it stood stays."""
    score = await service.revise_score(
        session,
        access.actor,
        await _judged_scope(session, access),
        score_id,
        answers=body.answers,
        comment=body.comment,
        reason=body.reason,
    )
    return await _detail(session, score)


@router.get("/quality/scores")
async def list_scores(
    access: Judge,
    session: DbSession,
    paging: Paging,
    recording_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    agent: AgentNumber | None = None,
    queue: QueueName | None = None,
    scored_by: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[ScoreSummary]:
    """Scores of recordings in the asker's scope, newest first."""
    wanted = ScoreFilter(recording_id=recording_id, agent=agent, queue=queue, scored_by=scored_by)
    return await _page(session, wanted, await _judged_scope(session, access), paging)


@router.get("/quality/scores/{score_id}", responses=problem_responses(404))
async def get_score(score_id: ScoreId, access: Judge, session: DbSession) -> ScoreDetail:
    """A score with its sheet, answers and what they were before; audited."""
    score = await service.get_score(session, score_id, await _judged_scope(session, access))
    record_audit(session, access.actor, "quality.read", subject_id=str(score_id), recording_id=score.recording_id)
    return await _detail(session, score)


@router.get("/agents/me/scores", responses=problem_responses(404))
async def list_own_scores(access: Judged, session: DbSession, paging: Paging) -> Page[ScoreSummary]:
    """How the asker's own conversations were scored, newest first."""
    own = _own_scope(await recording_scope(session, access))
    return await _page(session, ScoreFilter(agent=own.agent_number), own, paging)


@router.get("/agents/me/scores/{score_id}", responses=problem_responses(404))
async def get_own_score(score_id: ScoreId, access: Judged, session: DbSession) -> ScoreDetail:
    """One of them with its sheet, answers and what they were before."""
    own = _own_scope(await recording_scope(session, access))
    score = await service.get_score(session, score_id, own)
    if score.agent_number != own.agent_number:
        raise ScoreNotFound(score_id=score_id)
    return await _detail(session, score)


@router.post("/agents/me/scores/{score_id}/reply", responses=problem_responses(404, 409))
async def reply_to_score(score_id: ScoreId, body: ScoreReply, access: Judged, session: DbSession) -> ScoreDetail:
    """Answer a score of an own conversation, once."""
    own = _own_scope(await recording_scope(session, access))
    return await _detail(session, await service.reply(session, access.actor, own, score_id, body.text))


async def _judged_scope(session: AsyncSession, access: Access) -> RecordingScope:
    """What the asker leads or checks, not what is merely their own."""
    return (await recording_scope(session, access)).for_download()


def _own_scope(scope: RecordingScope) -> RecordingScope:
    """What is the asker's own, whatever else they may hear. Raises ScoreNotFound for who is no agent."""
    if scope.agent_number is None:
        raise ScoreNotFound
    return RecordingScope(agent_number=scope.agent_number)


async def _page(
    session: AsyncSession, wanted: ScoreFilter, scope: RecordingScope, paging: PageRequest
) -> Page[ScoreSummary]:
    after = sort_key(paging.after, an_instant, a_bigint)
    rows = await queries.list_scores(session, wanted, scope, after=after, limit=paging.limit)
    found, next_cursor = cut_page(rows, paging.limit, lambda row: (row.scored_at.isoformat(), row.id))
    return Page(items=[ScoreSummary.model_validate(row) for row in found], next_cursor=next_cursor)


async def _detail(session: AsyncSession, score: QualityScore) -> ScoreDetail:
    await session.flush()
    sheet = await service.get_sheet(session, score.sheet_name, score.sheet_version)
    revisions = await queries.list_revisions(session, score.id)
    return ScoreDetail(
        **ScoreSummary.model_validate(score).model_dump(),
        answers=score.answers,
        comment=score.comment,
        reply=score.reply,
        sheet=Sheet.model_validate(sheet.content),
        revisions=[RevisionResponse.model_validate(revision) for revision in revisions],
    )
