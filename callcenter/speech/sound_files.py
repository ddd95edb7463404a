"""Audio of the database as files of this PBX: ``sounds/spoken`` for slots, own recordings over standard prompts."""

import asyncio
import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from callcenter.asterisk.sounds import recorded_prompts_dir, refresh_sounds, sounds_dir
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.speech import queries
from callcenter.speech.models import PromptRecording
from callcenter.speech.service import PLAYED_AFTER, SOUNDS_DIR

log = structlog.get_logger(__name__)

TICK_SECONDS = 10.0
GRACE = timedelta(hours=1)
"""How long audio stays that nobody refers to any more: longer than a call that plays it."""


class SoundFiles:
    """One per engine. Files are written whole; what is missing is written again, what is left over goes."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._spoken = sounds_dir(settings) / SOUNDS_DIR
        self._recorded = recorded_prompts_dir(settings)
        self._wake = asyncio.Event()

    def wake(self, _slots: list[str] | None = None) -> None:
        """Audio may have come or gone."""
        self._wake.set()

    async def run(self) -> None:
        """Keep the files like the database, until cancelled."""
        while True:
            self._wake.clear()
            soon = await self.bring_up_to_date()
            with suppress(TimeoutError):
                async with asyncio.timeout(soon):
                    await self._wake.wait()

    async def bring_up_to_date(self) -> float:
        """Write and remove what differs; in how many seconds to look again."""
        async with self._database.transaction() as session:
            await queries.release_audio(session, at=now())
            await queries.delete_released_audio(session, before=now() - GRACE)
        async with self._database.transaction() as session:
            wanted = {f"{audio_id}.wav": audio_id for audio_id in await queries.audio_ids(session)}
            recordings = [recording for recording, _ in await queries.prompt_recordings(session)]
        present = await asyncio.to_thread(self._present)
        for name, audio_id in wanted.items():
            if name not in present and (wav := await self._wav(audio_id)) is not None:
                await asyncio.to_thread(self.write, audio_id, wav)
        async with self._database.transaction() as session:
            await queries.play_coming_audio(session, list(wanted.values()), at=now())
        await asyncio.to_thread(self._remove_leftovers, wanted.keys())
        return await self._bring_recordings(recordings)

    def write(self, audio_id: UUID, wav: bytes) -> None:
        """Blocking."""
        _write_whole(self._spoken / f"{audio_id}.wav", wav)

    # -- slots

    async def _wav(self, audio_id: UUID) -> bytes | None:
        async with self._database.transaction() as session:
            return await queries.wav_of(session, audio_id)

    def _present(self) -> set[str]:
        return {path.name for path in self._spoken.glob("*")}

    def _remove_leftovers(self, wanted: Collection[str]) -> None:
        """Also drafts of an engine that was killed. A file that is not in the database yet is a young one."""
        before = time.time() - GRACE.total_seconds()
        for path in self._spoken.glob("*"):
            if path.name not in wanted and path.stat().st_mtime < before:
                path.unlink()

    # -- standard prompts

    async def _bring_recordings(self, recordings: Sequence[PromptRecording]) -> float:
        """Young ones wait until every ivr process knows how long they play (PLAYED_AFTER)."""
        ripe = [recording for recording in recordings if recording.recorded_at <= now() - PLAYED_AFTER]
        changed = False
        for recording in ripe:
            path = self._recorded / recording.language / f"{recording.sound}.wav"
            if await asyncio.to_thread(_has_time, path, recording.recorded_at):
                continue
            if (wav := await self._wav(recording.audio_id)) is not None:
                await asyncio.to_thread(_write_whole, path, wav, recording.recorded_at)
                changed = True
        wanted = {(recording.language, recording.sound) for recording in recordings}
        changed |= await asyncio.to_thread(self._remove_recordings, wanted)
        if changed:
            copied = await asyncio.to_thread(refresh_sounds, self._settings)
            log.info("prompt_recordings_brought", files=copied)
        return PLAYED_AFTER.total_seconds() if len(ripe) < len(recordings) else TICK_SECONDS

    def _remove_recordings(self, wanted: set[tuple[str, str]]) -> bool:
        """The standard prompt comes back; one that was never rendered falls silent."""
        removed = False
        for path in self._recorded.glob("*/**/*.wav"):
            name = path.relative_to(self._recorded)
            language, sound = name.parts[0], Path(*name.parts[1:]).with_suffix("").as_posix()
            if (language, sound) in wanted:
                continue
            if not (self._settings.prompts_dir / "audio" / name).is_file():
                (sounds_dir(self._settings) / name).unlink(missing_ok=True)
            path.unlink()
            removed = True
        return removed


def _has_time(path: Path, at: datetime) -> bool:
    """Whether the recording of this moment is there: its file carries it."""
    try:
        return path.stat().st_mtime_ns == _nanoseconds(at)
    except FileNotFoundError:
        return False


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000


def _write_whole(path: Path, content: bytes, at: datetime | None = None) -> None:
    """On disk before it has its name: after a power cut there is no half file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o644)
    if at is not None:
        os.utime(draft, ns=(_nanoseconds(at), _nanoseconds(at)))
    draft.replace(path)
