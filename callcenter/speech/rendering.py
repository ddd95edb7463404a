"""Speaks in the background what was put into slots: the engine's part. Nothing here waits for a caller."""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

import structlog

from callcenter.core.alarms import raise_alarm
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.speech import queries
from callcenter.speech.engine_choice import engine_choice
from callcenter.speech.errors import SpeechFailed
from callcenter.speech.languages import LANGUAGES, Language
from callcenter.speech.models import SpokenAudio, SpokenText
from callcenter.speech.rendering_policy import FALL_BACK, Next, Stage, after_failure, after_success
from callcenter.speech.service import TOPIC
from callcenter.speech.sound_files import SoundFiles
from callcenter.speech.speaker import Spoken, speak_apart, voice_of

log = structlog.get_logger(__name__)

TICK_SECONDS = 2.0
"""How long a text that became due by itself, or whose announcement was lost, may lie."""
CLAIM_SPAN = timedelta(minutes=30)
"""Longer than speaking may take: then another engine may take the text over."""
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """A text that this engine is rendering."""

    slot: str
    language: Language
    text: str
    text_fingerprint: str


class SpokenTextRenderer:
    """One per engine and stage, so that no text waits for its fall-back voice behind a long one.

    :meth:`run` until cancelled; :meth:`wake` whenever something may be due.
    """

    def __init__(self, settings: Settings, database: Database, files: SoundFiles, stage: Stage) -> None:
        self._database = database
        self._pbx = settings.pbx_name
        self._files = files
        self._stage: Stage = stage
        self._work_dir = settings.pbx_dir / "speaking" / stage
        self._choice = engine_choice(settings, FALL_BACK if stage == "fall-back" else settings.speech_provider)
        self._provider = settings.speech_provider
        self._wake = asyncio.Event()

    def wake(self, _slots: list[str] | None = None) -> None:
        """Something may be due now."""
        self._wake.set()

    async def run(self) -> None:
        """Take up what an engine before this one left, then speak what is due."""
        await asyncio.to_thread(_make_empty, self._work_dir)
        async with self._database.transaction() as session:
            await queries.release_claims(session, self._stage, self._pbx, at=now())
            if self._stage == "provider":
                voices = [(language, voice_of(self._choice, language)) for language in LANGUAGES]
                await queries.make_due_by_maker(session, self._choice.provider, voices, at=now())
        while True:
            self._wake.clear()
            while await self._render_next():
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()

    async def _render_next(self) -> bool:
        """Whether there was something due."""
        claim = await self._claim()
        if claim is None:
            return False
        wav_path = self._work_dir / f"{new_id()}.wav"
        try:
            spoken = await speak_apart(self._choice, claim.text, claim.language, wav_path)
        except SpeechFailed as error:
            await self._record_failure(claim, error.message)
        else:
            await self._record_audio(claim, spoken, await asyncio.to_thread(wav_path.read_bytes))
        finally:
            await asyncio.to_thread(wav_path.unlink, missing_ok=True)
        return True

    async def _claim(self) -> Claim | None:
        at = now()
        until = at + timedelta(seconds=self._choice.timeout_seconds) + CLAIM_SPAN
        async with self._database.transaction() as session:
            row = await queries.claim_due_text(session, self._stage, at=at, until=until, claimed_by=self._pbx)
            if row is None:
                return None
            language: Language = "en" if row.language == "en" else "zh"
            return Claim(row.slot, language, row.text, row.text_fingerprint)

    async def _record_audio(self, claim: Claim, spoken: Spoken, wav: bytes) -> None:
        """First the file, then the row that has callers hear it: what is announced can be played."""
        audio_id = new_id()
        await asyncio.to_thread(self._files.write, audio_id, wav)
        async with self._database.transaction() as session:
            row = await queries.find_claimed_text(
                session, claim.slot, claim.language, claim.text_fingerprint, self._pbx
            )
            if row is None:
                return  # another text is wanted by now; the file goes with the next cleaning
            session.add(_audio(audio_id, claim, spoken, wav))
            await session.flush()
            row.audio_id, row.rendered_at = audio_id, now()
            if self._stage == "provider":
                row.attempts, row.last_error = 0, None
            _schedule(row, after_success(self._stage, provider=self._provider, attempts=row.attempts))
            await announce(session, TOPIC, [claim.slot])
        log.info("text_spoken", slot=claim.slot, language=claim.language, provider=spoken.provider)

    async def _record_failure(self, claim: Claim, reason: str) -> None:
        provider = self._choice.provider
        log.warning("text_not_spoken", slot=claim.slot, language=claim.language, provider=provider, reason=reason)
        async with self._database.transaction() as session:
            await raise_alarm(session, "speech_failed", key=provider, reason=reason[:_LONGEST_ERROR])
            row = await queries.find_claimed_text(
                session, claim.slot, claim.language, claim.text_fingerprint, self._pbx
            )
            if row is None:
                return
            row.attempts, row.last_error = row.attempts + 1, reason[:_LONGEST_ERROR]
            audio = await session.get(SpokenAudio, row.audio_id) if row.audio_id else None
            speaks_wanted_text = audio is not None and audio.text_fingerprint == row.text_fingerprint
            following = after_failure(
                self._stage, provider=self._provider, attempts=row.attempts, speaks_wanted_text=speaks_wanted_text
            )
            _schedule(row, following)
            await announce(session, TOPIC, [claim.slot])


def _audio(audio_id: UUID, claim: Claim, spoken: Spoken, wav: bytes) -> SpokenAudio:
    return SpokenAudio(
        id=audio_id,
        text_fingerprint=claim.text_fingerprint,
        provider=spoken.provider,
        provider_version=spoken.provider_version,
        voice=spoken.voice,
        seconds=spoken.seconds,
        wav=wav,
        created_at=now(),
    )


def _schedule(row: SpokenText, following: Next | None) -> None:
    row.claimed_by = None
    row.due_at = None if following is None else now() + following.after
    row.stage = "provider" if following is None else following.stage


def _make_empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


class Work(Protocol):
    """A task of the engine that looks again when woken."""

    def wake(self, _slots: list[str] | None = None) -> None: ...

    async def run(self) -> None: ...


def engine_work(settings: Settings, database: Database) -> dict[str, Work]:
    """All that an engine does for speech, by name; wake each by the bus topic ``spoken_texts``."""
    files = SoundFiles(settings, database)
    return {
        "sound-files": files,
        "speak-fall-back": SpokenTextRenderer(settings, database, files, "fall-back"),
        "speak-provider": SpokenTextRenderer(settings, database, files, "provider"),
    }
