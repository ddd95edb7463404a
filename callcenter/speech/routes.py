"""HTTP of spoken texts: what is heard of each slot, and own recordings in place of a rendered voice."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response, UploadFile

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.cursors import a_text, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.speech import queries, recordings
from callcenter.speech.errors import SpokenAudioNotFound, SpokenTextNotFound
from callcenter.speech.languages import Language
from callcenter.speech.models import SpokenAudio, SpokenText
from callcenter.speech.recordings import MAX_RECORDING_BYTES
from callcenter.speech.schemas import (
    AudioState,
    LanguageInForm,
    LanguageInPath,
    Slot,
    SlotInForm,
    SpokenTextResponse,
)

router = APIRouter(tags=["speech"], responses=problem_responses(401, 403))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]

WAV: dict[int | str, dict[str, object]] = {200: {"content": {"audio/wav": {}}, "description": "A WAV file."}}


@router.get("/spoken-texts")
async def list_spoken_texts(
    _access: Lead,
    session: DbSession,
    paging: Paging,
    slot: Annotated[str | None, Query(max_length=200, description="Only this slot.")] = None,
) -> Page[SpokenTextResponse]:
    """What shall be spoken, and what callers hear of it now."""
    after = sort_key(paging.after, a_text, a_text)
    rows = await queries.texts_with_audio(session, after=after, limit=paging.limit + 1, slot=slot)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (row[0].slot, row[0].language))
    return Page(items=[_response(text, audio) for text, audio in page], next_cursor=next_cursor)


@router.get("/spoken-texts/{slot}/{language}/audio", response_class=Response, responses=WAV | problem_responses(404))
async def get_spoken_audio(slot: Slot, language: LanguageInPath, _access: Lead, session: DbSession) -> Response:
    """What callers hear of it now, as a WAV file."""
    row = await queries.find_text(session, slot, language)
    if row is None:
        raise SpokenTextNotFound
    wav = await queries.wav_of(session, row.audio_id) if row.audio_id else None
    if wav is None:
        raise SpokenAudioNotFound
    return Response(wav, media_type="audio/wav")


@router.post("/spoken-texts/recordings", responses=problem_responses(404, 413))
async def put_recording(
    slot: SlotInForm, language: LanguageInForm, file: UploadFile, access: Lead, session: DbSession
) -> SpokenTextResponse:
    """Your own recording of a text (WAV; also OGG, FLAC or MP3 where they can be read), until the text changes."""
    recorded = await recordings.convert_recording(await file.read(MAX_RECORDING_BYTES + 1))
    row = await recordings.put_text_recording(session, access.actor, slot, language, recorded)
    return _response(row, await session.get(SpokenAudio, row.audio_id) if row.audio_id else None)


@router.delete("/spoken-texts/{slot}/{language}/recording", status_code=204, responses=problem_responses(404))
async def remove_recording(slot: Slot, language: LanguageInPath, access: Lead, session: DbSession) -> None:
    """The text is rendered again; until that is done the recording plays."""
    await recordings.remove_text_recording(session, access.actor, slot, language)


def _response(row: SpokenText, audio: SpokenAudio | None) -> SpokenTextResponse:
    language: Language = "en" if row.language == "en" else "zh"
    return SpokenTextResponse(
        slot=row.slot,
        language=language,
        text=row.text,
        state=_state(row, audio),
        provider=audio.provider if audio else None,
        seconds=audio.seconds if audio else None,
        requested_at=row.requested_at,
        rendered_at=row.rendered_at,
        attempts=row.attempts,
        last_error=row.last_error,
    )


def _state(row: SpokenText, audio: SpokenAudio | None) -> AudioState:
    if audio is None:
        return AudioState.SILENT
    if audio.text_fingerprint != row.text_fingerprint:
        return AudioState.OUTDATED
    return AudioState.READY if row.due_at is None else AudioState.FALL_BACK
