"""From Asterisk's file to the stored one: whole or not at all, whatever dies on the way; and what a full disk does."""

import asyncio
import errno
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.calls.models import Recording
from callcenter.calls.recording_models import StoredRecording
from callcenter.calls.recording_store import stored_path
from callcenter.calls.recording_storing import DiskGuard
from callcenter.core.alarms import Alarm
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.api import api_client
from tests.support.ledger_reading import PBX
from tests.support.people import asker, given_queue
from tests.support.recordings import AGENT_LOUD, CALLER_LOUD, given_conversation, storer
from tests.support.sounds import speech, write_wav

ENGINE = """
import asyncio, os, signal, sys
from pathlib import Path
from callcenter.calls import recording_storing, recordings
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.recordings import storer

place, url, state_dir = sys.argv[1:]

def dies(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

async def dies_later(*_arguments, **_named):
    dies()

if place == "before the file is synced":
    os.fsync = dies
elif place == "before it has its name":
    Path.replace = dies
elif place == "before the folder is synced":
    recording_storing.store.__globals__["_sync_folder"] = dies
elif place == "before the row is written":
    recording_storing._record_stored = dies_later
elif place == "before the row is committed":
    write = recording_storing._record_stored
    async def writes_and_dies(*arguments, **named):
        await write(*arguments, **named)
        dies()
    recording_storing._record_stored = writes_and_dies
elif place == "before the source is removed":
    recordings.delete_source = dies
elif place == "after the source is removed":
    remove = recordings.delete_source
    def removes_and_dies(*arguments):
        remove(*arguments)
        dies()
    recordings.delete_source = removes_and_dies
else:
    raise SystemExit(place)

async def main():
    await storer(Database(url), Settings(state_dir=Path(state_dir))).tick()

asyncio.run(main())
"""
PLACES = [
    "before the file is synced",
    "before it has its name",
    "before the folder is synced",
    "before the row is written",
    "before the row is committed",
    "before the source is removed",
    "after the source is removed",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


@pytest.fixture(autouse=True)
async def queue(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(database, tmp_path) as client:
        yield client


async def stored_rows(database: Database) -> dict[int, StoredRecording]:
    async with database.transaction() as session:
        return {row.recording_id: row for row in await session.scalars(select(StoredRecording))}


async def alarms(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm.kind).order_by(Alarm.id)))


async def played(client: httpx.AsyncClient, database: Database, recording_id: int) -> bytes:
    answer = await client.get(f"/api/v1/recordings/{recording_id}/audio", headers=await asker(database, Role.QUALITY))
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("place", PLACES)
async def test_killed(database: Database, settings: Settings, client: httpx.AsyncClient, place: str) -> None:
    one = await given_conversation(database, settings.recordings_dir)
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENGINE, place, database.url, str(settings.state_dir)
    )
    assert await engine.wait() == -signal.SIGKILL
    await storer(database, settings).tick()
    row = (await stored_rows(database))[one.id]
    assert (row.channels, row.is_cut, row.source_gone_at is not None) == (2, False, True)
    assert not one.source.exists()
    kept = stored_path(settings.recordings_dir, one.id)
    assert list(kept.parent.iterdir()) == [kept]
    content = await played(client, database, one.id)
    assert len(content) == row.wav_bytes == 44 + 2 * 8000 * 4
    assert content[44:48] == CALLER_LOUD.to_bytes(2, "little") + AGENT_LOUD.to_bytes(2, "little")


async def test_twice_is_once(database: Database, settings: Settings) -> None:
    one = await given_conversation(database, settings.recordings_dir)
    work = storer(database, settings)
    await work.tick()
    before = stored_path(settings.recordings_dir, one.id).read_bytes()
    await work.tick()
    await storer(database, settings).tick()
    assert stored_path(settings.recordings_dir, one.id).read_bytes() == before


async def test_nothing_of_it_can_be_read_on_disk(database: Database, settings: Settings) -> None:
    await given_conversation(database, settings.recordings_dir)
    await storer(database, settings).tick()
    sample = AGENT_LOUD.to_bytes(2, "little") + CALLER_LOUD.to_bytes(2, "little")
    files = [path for path in settings.recordings_dir.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert sample not in files[0].read_bytes()
    assert sample[::-1] not in files[0].read_bytes()


@pytest.mark.parametrize(("state", "rest"), [("node_lost", b""), ("finished", b"abc")])
async def test_cut_by_a_crash_is_flagged_and_can_be_played(
    database: Database, settings: Settings, client: httpx.AsyncClient, state: str, rest: bytes
) -> None:
    one = await given_conversation(database, settings.recordings_dir, state=state, rest=rest)
    await storer(database, settings).tick()
    listed = await client.get("/api/v1/recordings", headers=await asker(database, Role.QUALITY))
    (item,) = listed.json()["items"]
    assert (item["is_cut"], item["duration_seconds"]) == (True, pytest.approx(2.0, abs=0.001))
    assert len(await played(client, database, one.id)) == 44 + 2 * 8000 * 4


async def test_recordings_of_an_older_version_are_stored_too(
    database: Database, settings: Settings, client: httpx.AsyncClient
) -> None:
    one = await given_conversation(database, settings.recordings_dir)
    async with database.transaction() as session:
        row = (await session.scalars(select(Recording))).one()
        row.file = "message-pbx1-1.1-1.wav"
        row.purpose, row.measured_at, row.bytes = "message", row.started_at, 44
    whole = write_wav(settings.recordings_dir / "message-pbx1-1.1-1.wav", speech(1)).read_bytes()
    assert await played(client, database, one.id) == whole  # as it lies there
    await storer(database, settings).tick()
    assert (await stored_rows(database))[one.id].channels == 1
    assert await played(client, database, one.id) == whole
    assert not (settings.recordings_dir / "message-pbx1-1.1-1.wav").exists()


class TestFullDisk:
    async def test_storing_waits_with_an_alarm_and_loses_nothing(
        self, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = await given_conversation(database, settings.recordings_dir)

        def full(*_arguments: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        await storer(database, settings).tick()
        assert (await stored_rows(database), one.source.exists()) == ({}, True)
        assert await alarms(database) == ["recording_not_stored"]
        monkeypatch.undo()
        await storer(database, settings).tick()
        assert one.id in await stored_rows(database)

    async def test_asterisk_is_told_while_there_is_no_room(
        self, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.recordings_dir.mkdir(parents=True)
        told: list[bool] = []

        async def tell(is_full: bool) -> None:
            told.append(is_full)

        guard = DiskGuard(database, pbx=PBX, recordings_dir=settings.recordings_dir, least_bytes=1000, tell=tell)
        for free in (2000, 999, 1001, 1499, 1500, 999):
            usage = shutil._ntuple_diskusage(10_000, 10_000 - free, free)
            monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: usage)
            await guard.tick()
        assert told == [False, True, True, True, False, True]
        assert await alarms(database) == ["recording_disk_full"]
