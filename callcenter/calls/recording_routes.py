"""HTTP of recordings: who may hear what is in calls/recordings.py; each play is audited."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.calls.recordings import RecordingFilter, RecordingScope, get_sound, list_recordings
from callcenter.calls.schemas import RecordingQuery, RecordingSummary
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_bigint, an_instant, decode_cursor, sort_key
from callcenter.core.http import DbSession, Page, cut_page
from callcenter.core.problems import problem_responses
from callcenter.queues import queries as queue_queries

router = APIRouter(tags=["recordings"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY))]
RecordingId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the recording.", examples=[17])]
_WAV: dict[str, Any] = {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/recordings")
async def list_recorded(
    query: Annotated[RecordingQuery, Query()], access: Reader, session: DbSession
) -> Page[RecordingSummary]:
    """Recordings the asker may hear, newest first."""
    wanted = RecordingFilter(
        started_from=query.started_from,
        started_to=query.started_to,
        purpose=query.purpose,
        queue=query.queue,
        agent=query.agent,
    )
    rows = await list_recordings(
        session,
        wanted,
        await _scope(session, access),
        after=sort_key(decode_cursor(query.cursor), an_instant, a_bigint),
        limit=query.limit,
    )
    found, next_cursor = cut_page(
        rows, query.limit, lambda row: (row.recording.started_at.isoformat(), row.recording.id)
    )
    patients = sorted({str(row.call.patient_id) for row in found if row.call.patient_id is not None})
    if patients:
        record_audit(session, access.actor, "recordings.list", patients=patients)
    return Page(items=[RecordingSummary.of(row) for row in found], next_cursor=next_cursor)


@router.get(
    "/recordings/{recording_id}/audio",
    response_class=FileResponse,
    responses={
        200: _WAV,
        206: {"description": "The part that was asked for.", **_WAV},
        **problem_responses(404, 410),
    },
)
async def play_recording(
    recording_id: RecordingId, access: Reader, session: DbSession, request: Request
) -> FileResponse:
    """The sound as it was stored (WAV, 8 kHz), whole or the parts named by `Range`; audited."""
    folder = request.app.state.settings.recordings_dir
    path = await get_sound(session, access.actor, recording_id, await _scope(session, access), folder)
    return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "private, no-store"})


async def _scope(session: AsyncSession, access: Access) -> RecordingScope:
    """Admin and quality hear all, supervisors what belongs to their queues, agents the messages of theirs."""
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    places = await queue_queries.list_memberships(session, agent.id) if agent else ()
    return RecordingScope(
        everything=access.has(Role.QUALITY) or (access.has(Role.SUPERVISOR) and not access.queue_scope),
        steered=access.queue_scope if access.has(Role.SUPERVISOR) else frozenset(),
        own_queues=frozenset(place.queue_name for place in places),
        agent_number=agent.number if agent else None,
    )
