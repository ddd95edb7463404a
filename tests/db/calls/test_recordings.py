"""Recordings: measured once the call is over, listed, played in part or whole, deleted in time; each play audited."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.calls.models import Recording
from callcenter.calls.recordings import MeasuredRecording, delete_old, measure_finished
from callcenter.core.alarms import Alarm
from callcenter.core.audit import AuditEntry
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.api import api_client, declared_roles
from tests.support.ledger_reading import PBX, LedgerFolder, read_all
from tests.support.ledger_tables import T0, Ledger, scenario, table
from tests.support.people import asker, given_queue
from tests.support.sounds import silence, speech, write_wav

CALLER = "PJSIP/trunk-00000010 pbx1-1.16 pbx1-1.16"
TAPES = f"""
    3.68221 CC_RECORD {CALLER} purpose=complaint:day=20260105
    3.68222 CC_RECORD {CALLER} purpose=message:day=20260105:number=1:queue=vip
    3.68223 CC_RECORD {CALLER} purpose=remark:day=20260105:number=2
"""
COMPLAINT, MESSAGE, REMARK = "20260105/complaint-pbx1-1.16.wav", "message-pbx1-1.16-1.wav", "remark-pbx1-1.16-2.wav"
PATIENT = "0190b1b2-0000-7000-8000-000000000001"
SOON, LATER = T0 + timedelta(seconds=10), T0 + timedelta(minutes=2)
KEEPERS = ["admin", "quality", "supervisor"]
READERS = ["admin", "agent", "expert", "quality", "supervisor"]


@pytest.fixture
def recordings_dir(tmp_path: Path) -> Path:
    folder = Settings(state_dir=tmp_path).recordings_dir
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
async def ledger(tmp_path: Path, database: Database) -> AsyncIterator[LedgerFolder]:
    """A finished call of agent 1001 in ``consultation`` that left three recordings."""
    async with database.transaction() as session:
        for name in ("consultation", "vip"):
            await given_queue(session, name)
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("agent_hangs_up") + table(TAPES))
    await read_all(folder, database)
    yield folder


async def rows(database: Database) -> dict[str, Recording]:
    async with database.transaction() as session:
        return {row.file: row for row in await session.scalars(select(Recording))}


async def measure(database: Database, folder: Path, at: object = SOON) -> list[MeasuredRecording]:
    async with database.transaction() as session:
        return await measure_finished(session, PBX, folder, at=at)  # type: ignore[arg-type]


@pytest.mark.usefixtures("ledger")
class TestMeasuring:
    async def test_once_the_call_is_over(self, database: Database, recordings_dir: Path) -> None:
        write_wav(recordings_dir / MESSAGE, speech(2), silence(1))
        assert await measure(database, recordings_dir, T0 + timedelta(seconds=4)) == []  # may still be written
        (found,) = await measure(database, recordings_dir)
        assert (found.file, found.is_empty) == (MESSAGE, False)
        row = (await rows(database))[MESSAGE]
        assert (row.bytes, row.duration_seconds, row.queue_name) == (44 + 48_000, 3.0, "vip")
        assert await measure(database, recordings_dir) == []

    async def test_a_file_that_does_not_come(self, database: Database, recordings_dir: Path) -> None:
        """A recording of a conversation that never began has no file."""
        assert await measure(database, recordings_dir) == []  # it may yet come
        assert {one.facts for one in await measure(database, recordings_dir, LATER)} == {None}
        row = (await rows(database))[COMPLAINT]
        assert (row.measured_at, row.bytes, row.duration_seconds) == (LATER, None, None)

    async def test_only_messages_are_listened_to(self, database: Database, recordings_dir: Path) -> None:
        for file in (COMPLAINT, MESSAGE, REMARK):
            write_wav(recordings_dir / file, silence(3))
        found = {one.purpose: one.is_empty for one in await measure(database, recordings_dir)}
        assert found == {"complaint": False, "message": True, "remark": False}

    async def test_without_the_disk_an_alarm(self, database: Database, tmp_path: Path) -> None:
        assert await measure(database, tmp_path / "unmounted", LATER) == []
        assert (await rows(database))[MESSAGE].measured_at is None
        async with database.transaction() as session:
            assert (await session.scalars(select(Alarm.kind))).all() == ["recordings_unavailable"]

    async def test_reading_the_ledger_again_keeps_what_was_measured(
        self, database: Database, recordings_dir: Path, ledger: LedgerFolder
    ) -> None:
        write_wav(recordings_dir / MESSAGE, speech(2))
        await measure(database, recordings_dir)
        ledger.append(Ledger(table(f"3.9 CC_RATING {CALLER} mark=4").cel, []))
        await read_all(ledger, database)
        assert (await rows(database))[MESSAGE].duration_seconds == 2.0

    async def test_deleted_in_time_and_audited(self, database: Database, recordings_dir: Path) -> None:
        for file in (COMPLAINT, MESSAGE):
            write_wav(recordings_dir / file, speech(2))
        await measure(database, recordings_dir, LATER)
        (recordings_dir / COMPLAINT).unlink()  # by hand
        over = T0 + timedelta(days=10, seconds=10)
        for days, deleted in ((11, 0), (10, 2), (10, 0)):
            async with database.transaction() as session:
                assert await delete_old(session, PBX, recordings_dir, retention_days=days, at=over) == deleted
        assert not (recordings_dir / MESSAGE).exists()
        assert (await rows(database))[MESSAGE].deleted_at == over
        async with database.transaction() as session:
            entries = list(await session.scalars(select(AuditEntry)))
        assert {(entry.actor_name, entry.action, str(entry.patient_id)) for entry in entries} == {
            ("system", "recordings.delete", PATIENT)
        }


async def heard(client: httpx.AsyncClient, headers: dict[str, str], **criteria: str) -> list[str]:
    answer = await client.get("/api/v1/recordings", params=criteria, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["purpose"] for one in answer.json()["items"]]


@pytest.mark.usefixtures("ledger")
class TestOverHttp:
    @pytest.fixture
    async def client(
        self, database: Database, tmp_path: Path, recordings_dir: Path
    ) -> AsyncIterator[httpx.AsyncClient]:
        for file in (COMPLAINT, MESSAGE, REMARK):
            write_wav(recordings_dir / file, speech(2))
        await measure(database, recordings_dir)
        async with api_client(database, tmp_path) as client:
            yield client

    async def play(
        self, client: httpx.AsyncClient, database: Database, headers: dict[str, str], file: str
    ) -> httpx.Response:
        number = (await rows(database))[file].id
        return await client.get(f"/api/v1/recordings/{number}/audio", headers=headers)

    async def test_who_hears_what(self, client: httpx.AsyncClient, database: Database) -> None:
        for role in (Role.ADMIN, Role.QUALITY, Role.SUPERVISOR):
            assert await heard(client, await asker(database, role)) == ["remark", "message", "complaint"]
        lead = await asker(database, Role.SUPERVISOR, scope=("consultation",))
        assert await heard(client, lead) == ["remark", "complaint"]  # of calls that entered it
        assert await heard(client, await asker(database, Role.SUPERVISOR, scope=("vip",))) == ["message"]
        assert await heard(client, await asker(database, Role.SUPERVISOR, scope=("expert",))) == []
        member = await asker(database, Role.AGENT, agent="1002", queues=("vip",))
        assert await heard(client, member) == ["message"]
        assert (await self.play(client, database, member, MESSAGE)).status_code == 200
        for file in (COMPLAINT, REMARK):
            answer = await self.play(client, database, member, file)
            assert (answer.status_code, answer.json()["code"]) == (404, "recording-not-found")
        assert await heard(client, await asker(database, Role.AGENT, agent="1003", queues=("consultation",))) == []

    async def test_whoever_talked_in_a_call_with_a_complaint_hears_nothing_of_it(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        headers = await asker(database, Role.QUALITY, agent="1001", queues=("vip",))
        assert await heard(client, headers) == []
        for file in (COMPLAINT, MESSAGE, REMARK):
            assert (await self.play(client, database, headers, file)).status_code == 404

    async def test_filters_and_pages(self, client: httpx.AsyncClient, database: Database) -> None:
        headers = await asker(database, Role.QUALITY)
        assert await heard(client, headers, purpose="remark") == ["remark"]
        assert await heard(client, headers, queue="vip") == ["message"]
        assert await heard(client, headers, queue="consultation") == ["remark", "complaint"]
        assert await heard(client, headers, agent="1001") == ["remark", "message", "complaint"]
        assert await heard(client, headers, agent="1002") == []
        assert await heard(client, headers, started_from=SOON.isoformat()) == []
        assert await heard(client, headers, started_to=T0.isoformat()) == []
        first = (await client.get("/api/v1/recordings", params={"limit": 2}, headers=headers)).json()
        rest = await heard(client, headers, cursor=first["next_cursor"])
        assert [one["purpose"] for one in first["items"]] + rest == ["remark", "message", "complaint"]
        item = first["items"][0]
        assert (item["agent_number"], item["patient_id"], item["duration_seconds"]) == ("1001", PATIENT, 2.0)
        for cursor in ("x", "WyJhIl0", "WyIyMDI2LTAxLTA1VDAwOjAwOjAwKzAwOjAwIiwieCJd"):
            answer = await client.get("/api/v1/recordings", params={"cursor": cursor}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")

    async def test_the_sound_as_it_was_stored(
        self, client: httpx.AsyncClient, database: Database, recordings_dir: Path
    ) -> None:
        headers = await asker(database, Role.QUALITY)
        stored = (recordings_dir / MESSAGE).read_bytes()
        answer = await self.play(client, database, headers, MESSAGE)
        assert (answer.headers["content-type"], answer.content) == ("audio/wav", stored)
        assert answer.headers["cache-control"] == "private, no-store"
        for asked, part in (("bytes=0-43", stored[:44]), ("bytes=1000-", stored[1000:]), ("bytes=-10", stored[-10:])):
            answer = await self.play(client, database, {**headers, "Range": asked}, MESSAGE)
            assert (answer.status_code, answer.content) == (206, part)
        beyond = await self.play(client, database, {**headers, "Range": f"bytes={len(stored)}-"}, MESSAGE)
        assert beyond.status_code == 416

    async def test_each_play_is_audited(self, client: httpx.AsyncClient, database: Database) -> None:
        headers = await asker(database, Role.QUALITY)
        for _ in range(2):
            await self.play(client, database, headers, MESSAGE)
        await heard(client, headers)
        async with database.transaction() as session:
            entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
        number = str((await rows(database))[MESSAGE].id)
        assert [(entry.action, entry.subject_id, str(entry.patient_id)) for entry in entries[:2]] == [
            ("recordings.play", number, PATIENT)
        ] * 2
        assert (entries[2].action, entries[2].details["patients"]) == ("recordings.list", [PATIENT])

    async def test_what_cannot_be_played_says_why(
        self, client: httpx.AsyncClient, database: Database, recordings_dir: Path
    ) -> None:
        headers = await asker(database, Role.QUALITY)
        (recordings_dir / REMARK).unlink()
        missing = await self.play(client, database, headers, REMARK)
        assert (missing.status_code, missing.json()["code"]) == (404, "recording-file-missing")
        async with database.transaction() as session:
            row = (await session.scalars(select(Recording).where(Recording.file == MESSAGE))).one()
            row.deleted_at = SOON
        gone = await self.play(client, database, headers, MESSAGE)
        assert (gone.status_code, gone.json()["code"]) == (410, "recording-deleted")
        shutil.move(recordings_dir, recordings_dir.with_name("elsewhere"))
        away = await self.play(client, database, headers, COMPLAINT)
        assert (away.status_code, away.json()["code"]) == (503, "recordings-unavailable")
        answer = await client.get("/api/v1/recordings/999/audio", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "recording-not-found")
        async with database.transaction() as session:
            assert not (await session.scalars(select(AuditEntry))).all()

    async def test_a_row_that_leads_elsewhere_is_refused(
        self, client: httpx.AsyncClient, database: Database, recordings_dir: Path, tmp_path: Path
    ) -> None:
        secret = write_wav(tmp_path / "secret.wav", speech(1))
        (recordings_dir / REMARK).unlink()
        (recordings_dir / REMARK).symlink_to(secret)
        headers = await asker(database, Role.QUALITY)
        assert (await self.play(client, database, headers, REMARK)).status_code == 404


async def test_who_may_call_what(client: httpx.AsyncClient) -> None:
    assert await declared_roles(client, "recordings_") == {
        "recordings_list_recorded": READERS,
        "recordings_play_recording": READERS,
        "recordings_show_waveform": READERS,
        "recordings_list_recording_holds": KEEPERS,
        "recordings_hold_recording": KEEPERS,
        "recordings_release_recording": KEEPERS,
        "recordings_get_recording_policy": KEEPERS,
        "recordings_put_recording_policy": ["admin"],
    }
