"""HTTP of recordings: who may hear what is in calls/recordings.py; each play and download is audited."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calls import recording_holds
from callcenter.calls.recording_access import recording_scope
from callcenter.calls.recording_sound import get_sound, get_waveform
from callcenter.calls.recordings import RecordingFilter, get_recording, list_recordings
from callcenter.calls.schemas import HoldReason, HoldResponse, RecordingQuery, RecordingSummary, WaveformResponse
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_bigint, an_instant, decode_cursor, sort_key
from callcenter.core.http import DbSession, Page, cut_page
from callcenter.core.problems import problem_responses
from callcenter.core.ranges import asked_part

router = APIRouter(tags=["recordings"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY))]
Keeper = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY))]
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
        call_id=query.call_id,
    )
    rows = await list_recordings(
        session,
        wanted,
        await recording_scope(session, access),
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
    response_class=StreamingResponse,
    responses={
        200: _WAV,
        206: {"description": "The part that was asked for.", **_WAV},
        **problem_responses(404, 409, 410, 416, 503),
    },
)
async def play_recording(
    recording_id: RecordingId,
    access: Reader,
    session: DbSession,
    request: Request,
    download: Annotated[bool, Query(description="To keep it: not for agents.")] = False,
) -> StreamingResponse:
    """The sound (WAV, 8 kHz; caller left, agent right), whole or the part named by `Range`; audited."""
    state = request.app.state
    sound = await get_sound(
        session,
        access.actor,
        recording_id,
        await recording_scope(session, access),
        recordings_dir=state.settings.recordings_dir,
        keys=state.recording_keys,
        download=download,
    )
    headers = {"Cache-Control": "private, no-store", "Accept-Ranges": "bytes"}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="recording-{recording_id}.wav"'
    part = asked_part(request.headers.get("range"), sound.length)
    if part is not None:
        parts = sound.parts(part.start, part.stop)
        return StreamingResponse(parts, status_code=206, media_type="audio/wav", headers=headers | part.headers())
    headers["Content-Length"] = str(sound.length)
    return StreamingResponse(sound.parts(0, sound.length), media_type="audio/wav", headers=headers)


@router.get("/recordings/{recording_id}/waveform", responses=problem_responses(404, 409, 410))
async def show_waveform(
    recording_id: RecordingId,
    access: Reader,
    session: DbSession,
    points: Annotated[int, Query(ge=200, le=2000, description="At most so many a side.")] = 1000,
) -> WaveformResponse:
    """How loud each side was, over time: to be drawn."""
    waveform = await get_waveform(session, recording_id, await recording_scope(session, access), points=points)
    return WaveformResponse.model_validate(waveform)


@router.get("/recordings/{recording_id}/holds", responses=problem_responses(404))
async def list_recording_holds(recording_id: RecordingId, access: Keeper, session: DbSession) -> list[HoldResponse]:
    """Its legal holds, newest first, also those that are over."""
    await get_recording(session, recording_id, await recording_scope(session, access))
    return [HoldResponse.model_validate(hold) for hold in await recording_holds.list_holds(session, recording_id)]


@router.post("/recordings/{recording_id}/hold", status_code=201, responses=problem_responses(404, 409, 410))
async def hold_recording(
    recording_id: RecordingId, body: HoldReason, access: Keeper, session: DbSession
) -> HoldResponse:
    """Legal hold: it is not deleted in its time, until this is released."""
    scope = await recording_scope(session, access)
    hold = await recording_holds.place_hold(session, access.actor, recording_id, scope, body.reason)
    return HoldResponse.model_validate(hold)


@router.delete("/recordings/{recording_id}/hold", responses=problem_responses(404, 409, 410))
async def release_recording(
    recording_id: RecordingId, body: HoldReason, access: Keeper, session: DbSession
) -> HoldResponse:
    """The legal hold is over: retention counts again."""
    scope = await recording_scope(session, access)
    hold = await recording_holds.release_hold(session, access.actor, recording_id, scope, body.reason)
    return HoldResponse.model_validate(hold)
