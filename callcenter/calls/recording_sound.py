"""A recording's sound and picture for whoever may have them; each play and download is audited."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from callcenter.calls.errors import (
    DownloadNotAllowed,
    RecordingDeleted,
    RecordingFileMissing,
    RecordingNotReady,
    RecordingsUnavailable,
)
from callcenter.calls.recording_files import locate
from callcenter.calls.recording_models import StoredRecording
from callcenter.calls.recording_store import fewer_points, open_stored
from callcenter.calls.recordings import RecordedCall, RecordingScope, find_recording, get_recording
from callcenter.core.audit import Actor, record_audit
from callcenter.core.sealed_files import CHUNK_BYTES, KeyRing

SIDES = {2: ("caller", "agent"), 1: ("both",)}
"""Whose channels a stored recording has; of a message or remark the one is the caller alone."""


class Readable(Protocol):
    """A file of sound, open. Blocking."""

    length: int

    def read(self, start: int, stop: int) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Sound:
    """What may be played. ``open``: anew for each reader; blocking. ``length``: bytes."""

    recorded: RecordedCall
    length: int
    open: Callable[[], AbstractContextManager[Readable]]

    def parts(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from ``start`` until before ``stop``. Blocking."""
        with self.open() as file:
            yield from file.read(start, stop)


@dataclass(frozen=True, slots=True)
class Waveform:
    """Peaks of 0 to 255, one series a side."""

    duration_seconds: float
    is_cut: bool
    sides: dict[str, list[int]]


async def get_sound(
    session: AsyncSession,
    actor: Actor,
    recording_id: int,
    scope: RecordingScope,
    *,
    recordings_dir: Path,
    keys: KeyRing,
    download: bool,
) -> Sound:
    """The sound to play, or to take away; audited.

    Raises RecordingNotFound (also outside ``scope``), DownloadNotAllowed, RecordingNotReady, RecordingDeleted,
    RecordingFileMissing, RecordingsUnavailable, SealedFileUnreadable.
    """
    found = await get_recording(session, recording_id, scope)
    if download and await find_recording(session, recording_id, scope.for_download()) is None:
        raise DownloadNotAllowed(recording_id=recording_id)
    recording = found.recording
    if recording.deleted_at is not None:
        raise RecordingDeleted(deleted_at=recording.deleted_at.isoformat())
    sound = await asyncio.to_thread(_find_sound, found, recordings_dir, keys)
    record_audit(
        session,
        actor,
        "recordings.download" if download else "recordings.play",
        subject_id=str(recording_id),
        patient_id=found.call.patient_id,
        purpose=recording.purpose,
        call_id=found.call.id,
    )
    return sound


async def get_waveform(session: AsyncSession, recording_id: int, scope: RecordingScope, *, points: int) -> Waveform:
    """At most ``points`` peaks a side. Raises RecordingNotFound, RecordingDeleted, RecordingNotReady."""
    found = await get_recording(session, recording_id, scope)
    if found.recording.deleted_at is not None:
        raise RecordingDeleted(deleted_at=found.recording.deleted_at.isoformat())
    query = (
        select(StoredRecording)
        .where(StoredRecording.recording_id == recording_id)
        .options(undefer(StoredRecording.peaks))
        .execution_options(populate_existing=True)
    )
    stored = (await session.scalars(query)).one_or_none()
    if stored is None:
        raise RecordingNotReady(recording_id=recording_id)
    a_side = len(stored.peaks) // stored.channels
    return Waveform(
        duration_seconds=found.recording.duration_seconds or 0.0,
        is_cut=stored.is_cut,
        sides={
            side: list(fewer_points(stored.peaks[number * a_side : (number + 1) * a_side], points))
            for number, side in enumerate(SIDES[stored.channels])
        },
    )


def _find_sound(found: RecordedCall, recordings_dir: Path, keys: KeyRing) -> Sound:
    if found.stored is None:
        return _not_stored_yet(found, recordings_dir)
    if not recordings_dir.is_dir():
        raise RecordingsUnavailable

    def open_it() -> AbstractContextManager[Readable]:
        return open_stored(recordings_dir, found.recording.id, keys)

    try:
        with open_stored(recordings_dir, found.recording.id, keys) as file:
            length = file.length
    except FileNotFoundError as error:
        raise RecordingFileMissing from error
    return Sound(found, length, open_it)


def _not_stored_yet(found: RecordedCall, recordings_dir: Path) -> Sound:
    """A WAV of Asterisk's can be played as it is; so can those of older versions."""
    path = locate(recordings_dir, found.recording.file)
    if path.suffix != ".wav":
        raise RecordingNotReady(recording_id=found.recording.id)
    file = _PlainFile(path)  # open from here on: it may be stored, and removed, before it is read
    return Sound(found, file.length, lambda: file)


class _PlainFile:
    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        self.length = path.stat().st_size

    def __enter__(self) -> "_PlainFile":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        self._file.seek(start)
        left = stop - start
        while left > 0 and (piece := self._file.read(min(left, CHUNK_BYTES))):
            left -= len(piece)
            yield piece
