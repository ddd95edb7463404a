"""HTTP of the standard prompts: what they say, who speaks them, and own recordings in their place."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request, Response, UploadFile

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.config import Settings
from callcenter.core.cursors import a_text, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.ivr.prompts import MissingAudio, Prompt, PromptLibrary, is_current, load_prompts
from callcenter.speech import queries, recordings
from callcenter.speech.languages import LANGUAGES, Language
from callcenter.speech.models import SpokenAudio
from callcenter.speech.recordings import MAX_RECORDING_BYTES, RECORDING
from callcenter.speech.routes import WAV
from callcenter.speech.schemas import LanguageInForm, LanguageInPath, PromptAudioResponse, PromptResponse
from callcenter.speech.service import fingerprint

router = APIRouter(tags=["prompts"], responses=problem_responses(401, 403))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
_PROMPT_ID = r"^[A-Za-z0-9_/-]{1,100}$"
PromptId = Annotated[str, Path(pattern=_PROMPT_ID, examples=["greeting"])]
PromptIdInForm = Annotated[str, Form(pattern=_PROMPT_ID, examples=["greeting"])]
Recorded = dict[tuple[str, str], SpokenAudio]


async def _library(request: Request) -> PromptLibrary:
    settings: Settings = request.app.state.settings
    return await asyncio.to_thread(load_prompts, settings.prompts_dir)


Library = Annotated[PromptLibrary, Depends(_library)]


@router.get("/prompts")
async def list_prompts(_access: Lead, session: DbSession, library: Library, paging: Paging) -> Page[PromptResponse]:
    """All standard prompts, by id."""
    after = sort_key(paging.after, a_text) or ""
    prompts = sorted((prompt for prompt in library if prompt.id > after), key=lambda prompt: prompt.id)
    page, next_cursor = cut_page(prompts[: paging.limit + 1], paging.limit, lambda prompt: (prompt.id,))
    recorded = await _recorded(session)
    return Page(items=[_response(prompt, recorded) for prompt in page], next_cursor=next_cursor)


@router.post("/prompts/recordings", responses=problem_responses(404, 413))
async def put_prompt_recording(
    prompt_id: PromptIdInForm,
    language: LanguageInForm,
    file: UploadFile,
    access: Lead,
    session: DbSession,
    library: Library,
) -> PromptResponse:
    """Your own recording in place of a prompt: heard on the calls that begin three seconds from now."""
    prompt = library.get(prompt_id)
    recorded = await recordings.convert_recording(await file.read(MAX_RECORDING_BYTES + 1))
    await recordings.put_prompt_recording(
        session, access.actor, prompt.sound, language, text=prompt.spoken(language), recorded=recorded
    )
    await session.flush()
    return _response(prompt, await _recorded(session))


@router.delete("/prompts/recordings/{language}/{prompt_id:path}", status_code=204, responses=problem_responses(404))
async def remove_prompt_recording(
    prompt_id: PromptId, language: LanguageInPath, access: Lead, session: DbSession, library: Library
) -> None:
    """The rendered voice is back on the next call."""
    await recordings.remove_prompt_recording(session, access.actor, library.get(prompt_id).sound, language)


@router.get(
    "/prompts/audio/{language}/{prompt_id:path}", response_class=Response, responses=WAV | problem_responses(404)
)
async def get_prompt_audio(
    prompt_id: PromptId, language: LanguageInPath, _access: Lead, session: DbSession, library: Library
) -> Response:
    """What callers hear, as a WAV file."""
    prompt = library.get(prompt_id)
    recorded = (await _recorded(session)).get((prompt.sound, language))
    wav = await queries.wav_of(session, recorded.id) if recorded else None
    path = library.audio_path(prompt, language)
    if wav is None:
        if not await asyncio.to_thread(path.is_file):
            raise MissingAudio
        wav = await asyncio.to_thread(path.read_bytes)
    return Response(wav, media_type="audio/wav")


@router.get("/prompts/{prompt_id:path}", responses=problem_responses(404))
async def get_prompt(prompt_id: PromptId, _access: Lead, session: DbSession, library: Library) -> PromptResponse:
    """One standard prompt by its id."""
    return _response(library.get(prompt_id), await _recorded(session))


async def _recorded(session: DbSession) -> Recorded:
    rows = await queries.prompt_recordings(session)
    return {(recording.sound, recording.language): audio for recording, audio in rows}


def _response(prompt: Prompt, recorded: Recorded) -> PromptResponse:
    audio = {language: _audio(prompt, language, recorded.get((prompt.sound, language))) for language in LANGUAGES}
    return PromptResponse(id=prompt.id, sound=prompt.sound, audio=audio)


def _audio(prompt: Prompt, language: Language, recorded: SpokenAudio | None) -> PromptAudioResponse:
    text = prompt.texts.get(language)
    if recorded is not None:
        current = recorded.text_fingerprint == fingerprint(prompt.spoken(language))
        return PromptAudioResponse(text=text, provider=RECORDING, seconds=recorded.seconds, current=current)
    rendered = prompt.audio.get(language)
    return PromptAudioResponse(
        text=text,
        provider=rendered.provider if rendered else None,
        seconds=rendered.duration_seconds if rendered else None,
        current=is_current(prompt, language),
    )
