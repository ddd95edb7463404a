"""From what Asterisk wrote to what is kept: the engine's periodic work. Killed anywhere, the next tick goes on.

The order of each recording: measured (a row) > sealed file synced and in its place > stored (a row) > Asterisk's file
removed > noted (a row). Whatever is done twice comes to the same.
"""

import asyncio
import errno
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.calls import recordings
from callcenter.calls.errors import RecordingFileMissing, RecordingsUnavailable
from callcenter.calls.models import Call, Recording
from callcenter.calls.recording_files import locate
from callcenter.calls.recording_models import StoredRecording
from callcenter.calls.recording_store import StoredFacts, store
from callcenter.calls.recordings import MeasuredRecording
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.sealed_files import KeyRing
from callcenter.core.upsert import put_rows

log = structlog.get_logger(__name__)

SEARCH_SECONDS = 600.0
"""How often all recordings are searched for some that are not stored: of an older version, or after a full disk."""
_AT_ONCE = 50
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

OnMeasured = Callable[[Sequence[MeasuredRecording], AsyncSession], Awaitable[None]]


class RecordingStorer:
    """Stores the recordings of one PBX. ``on_measured``: told in the same transaction what files were found to hold."""

    def __init__(
        self,
        database: Database,
        *,
        pbx: str,
        recordings_dir: Path,
        keys: KeyRing,
        on_measured: OnMeasured,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._pbx = pbx
        self._dir = recordings_dir
        self._keys = keys
        self._on_measured = on_measured
        self._monotonic = monotonic
        self._due: list[int] = []
        self._search_at = 0.0

    async def tick(self) -> None:
        """Measure what has ended, store what was measured, remove what is stored."""
        await self._measure()
        if self._monotonic() >= self._search_at:
            self._due = await self._search()
            self._search_at = self._monotonic() + (SEARCH_SECONDS if len(self._due) < _AT_ONCE else 0)
        while self._due:
            if not await self._store(self._due.pop()):
                return
        await self._remove_sources()

    async def _measure(self) -> None:
        async with self._database.transaction() as session:
            measured = await recordings.measure_finished(session, self._pbx, self._dir, at=now())
            await self._on_measured(measured, session)
            ids = await recordings.find_ids(session, [one.file for one in measured if one.facts is not None])
        self._due += ids.values()

    async def _search(self) -> list[int]:
        """Some that are measured, there and not stored, newest first."""
        stored = exists().where(StoredRecording.recording_id == Recording.id)
        query = (
            select(Recording.id)
            .join(Call, Call.id == Recording.call_id)
            .where(
                Recording.measured_at.is_not(None),
                Recording.bytes.is_not(None),
                Recording.deleted_at.is_(None),
                Call.pbx == self._pbx,
                ~stored,
            )
            .order_by(Recording.id)
            .limit(_AT_ONCE)
        )
        async with self._database.transaction() as session:
            return list(await session.scalars(query))

    async def _store(self, recording_id: int) -> bool:
        """Whether the next may be tried: not on a full disk."""
        async with self._database.transaction() as session:
            found = (
                await session.execute(
                    select(Recording.file, Recording.purpose, Call.state)
                    .join(Call, Call.id == Recording.call_id)
                    .where(Recording.id == recording_id, Recording.deleted_at.is_(None))
                )
            ).one_or_none()
        if found is None:
            return True
        try:
            facts = await asyncio.to_thread(self._seal, recording_id, found.file, found.purpose)
        except (RecordingFileMissing, RecordingsUnavailable) as error:
            log.warning("recording_not_stored", id=recording_id, reason=error.code)
            return True
        except OSError as error:
            reason = "disk_full" if error.errno in _DISK_FULL else errno.errorcode.get(error.errno or 0, "unknown")
            async with self._database.transaction() as session:
                await raise_alarm(session, "recording_not_stored", key=self._pbx, severity="critical", reason=reason)
            return False
        async with self._database.transaction() as session:
            await _record_stored(session, recording_id, facts, call_was_lost=found.state == "node_lost")
        return True

    def _seal(self, recording_id: int, file: str, purpose: str) -> StoredFacts:
        # on the agent's leg the agent is whom Asterisk hears: left in its file, right in ours
        swap_sides = purpose == variables.CONVERSATION
        return store(self._dir, recording_id, locate(self._dir, file), self._keys, swap_sides=swap_sides)

    async def _remove_sources(self) -> None:
        query = (
            select(StoredRecording, Recording.file)
            .join(Recording, Recording.id == StoredRecording.recording_id)
            .join(Call, Call.id == Recording.call_id)
            .where(StoredRecording.source_gone_at.is_(None), Call.pbx == self._pbx)
            .limit(_AT_ONCE)
        )
        async with self._database.transaction() as session:
            for stored, file in (await session.execute(query)).all():
                await asyncio.to_thread(recordings.delete_source, self._dir, file)
                stored.source_gone_at = now()


async def _record_stored(session: AsyncSession, recording_id: int, facts: StoredFacts, *, call_was_lost: bool) -> None:
    row = {
        "recording_id": recording_id,
        "stored_at": now(),
        "wav_bytes": facts.wav_bytes,
        "sha256": facts.sha256,
        "key_id": facts.key_id,
        "channels": facts.channels,
        "is_cut": facts.is_cut or call_was_lost,
        "peaks": facts.peaks,
    }
    await put_rows(
        session, StoredRecording, [row], key=["recording_id"], update=[key for key in row if key != "recording_id"]
    )


class DiskGuard:
    """Whether there is room to record. Below ``least_bytes`` nothing new is recorded, until there is half as much more.

    ``tell``: makes Asterisk know (a variable that the dialplan asks), again and again, since it forgets with a restart.
    """

    def __init__(
        self,
        database: Database,
        *,
        pbx: str,
        recordings_dir: Path,
        least_bytes: int,
        tell: Callable[[bool], Awaitable[None]],
    ) -> None:
        self._database = database
        self._pbx = pbx
        self._dir = recordings_dir
        self._least_bytes = least_bytes
        self._tell = tell
        self._is_full = False

    async def tick(self) -> None:
        """Raises AmiUnavailable, AmiTimeout."""
        if not self._dir.is_dir():
            return
        free = await asyncio.to_thread(lambda: shutil.disk_usage(self._dir).free)
        was_full = self._is_full
        self._is_full = free < (self._least_bytes * 3 // 2 if was_full else self._least_bytes)
        if self._is_full and not was_full:
            log.error("recording_stopped", free_bytes=free)
            async with self._database.transaction() as session:
                await raise_alarm(
                    session, "recording_disk_full", key=self._pbx, severity="critical", free_megabytes=free >> 20
                )
        await self._tell(self._is_full)
