"""Recording policies, who may play or take away a conversation, its picture, legal holds and retention."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.calls.models import Recording
from callcenter.calls.recording_store import stored_path
from callcenter.calls.recordings import delete_old
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.api import api_client
from tests.support.ledger_reading import PBX
from tests.support.people import asker, given_queue
from tests.support.recordings import PATIENT, Recorded, given_conversation, storer

API = "/api/v1"
REASON = {"reason": "医疗纠纷"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with database.transaction() as session:
        for name in ("consultation", "vip"):
            await given_queue(session, name)
    async with api_client(database, tmp_path) as client:
        yield client


@pytest.fixture
async def recorded(client: httpx.AsyncClient, database: Database, settings: Settings) -> Recorded:
    """Of agent 1001 in consultation; stored."""
    one = await given_conversation(database, settings.recordings_dir, seconds=30)
    await storer(database, settings).tick()
    return one


async def audited(database: Database, *actions: str) -> list[tuple[str, str, str | None]]:
    async with database.transaction() as session:
        entries = await session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [
            (entry.action, entry.subject_id or "", str(entry.patient_id) if entry.patient_id else None)
            for entry in entries
            if not actions or entry.action in actions
        ]


class TestPolicies:
    async def test_set_and_read(self, client: httpx.AsyncClient, database: Database) -> None:
        admin = await asker(database, Role.ADMIN)
        address = f"{API}/queues/vip/recording-policy"
        before = (await client.get(address, headers=admin)).json()
        assert (before["mode"], before["changed_at"]) == ("none", None)
        wanted = {"mode": "share", "share_percent": 20, "retention_days": 90, "notice": False}
        answer = await client.put(address, json=wanted, headers=admin)
        assert answer.status_code == 200, answer.text
        assert wanted.items() <= (await client.get(address, headers=admin)).json().items()
        changed = await client.put(address, json={"mode": "all"}, headers=admin)
        assert (changed.json()["retention_days"], changed.json()["notice"]) == (None, True)
        assert await audited(database, "recording_policies.put") == [("recording_policies.put", "vip", None)] * 2

    @pytest.mark.parametrize(
        "wrong", [{"mode": "some"}, {"mode": "share", "share_percent": 101}, {"mode": "all", "retention_days": 0}, {}]
    )
    async def test_refused(self, client: httpx.AsyncClient, database: Database, wrong: dict[str, Any]) -> None:
        admin = await asker(database, Role.ADMIN)
        answer = await client.put(f"{API}/queues/vip/recording-policy", json=wrong, headers=admin)
        assert answer.status_code == 422
        missing = await client.put(f"{API}/queues/nowhere/recording-policy", json={"mode": "all"}, headers=admin)
        assert missing.status_code == 404


class TestHearing:
    async def test_own_conversations_are_played_and_not_taken_away(
        self, client: httpx.AsyncClient, database: Database, recorded: Recorded
    ) -> None:
        audio = f"{API}/recordings/{recorded.id}/audio"
        own = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
        assert (await client.get(audio, headers=own)).status_code == 200
        answer = await client.get(audio, params={"download": True}, headers=own)
        assert (answer.status_code, answer.json()["code"]) == (403, "recording-download-not-allowed")
        colleague = await asker(database, Role.AGENT, agent="1002", queues=("consultation",))
        for address in (audio, f"{API}/recordings/{recorded.id}/waveform"):
            assert (await client.get(address, headers=colleague)).status_code == 404
        assert (await client.get(f"{API}/recordings", headers=colleague)).json()["items"] == []

    async def test_supervisors_and_quality_take_away_within_their_scope(
        self, client: httpx.AsyncClient, database: Database, recorded: Recorded
    ) -> None:
        audio = f"{API}/recordings/{recorded.id}/audio"
        for headers in (
            await asker(database, Role.QUALITY),
            await asker(database, Role.SUPERVISOR, scope=("consultation",)),
        ):
            answer = await client.get(audio, params={"download": True}, headers=headers)
            assert answer.status_code == 200
            assert answer.headers["content-disposition"] == f'attachment; filename="recording-{recorded.id}.wav"'
        other = await asker(database, Role.SUPERVISOR, scope=("vip",))
        assert (await client.get(audio, params={"download": True}, headers=other)).status_code == 404
        entry = ("recordings.download", str(recorded.id), str(PATIENT))
        assert await audited(database, "recordings.download") == [entry] * 2

    async def test_a_supervisor_who_also_answers_calls_takes_away_only_what_is_in_scope(
        self, client: httpx.AsyncClient, database: Database, recorded: Recorded
    ) -> None:
        both = await asker(
            database, Role.SUPERVISOR, Role.AGENT, agent="1001", queues=("consultation",), scope=("vip",)
        )
        audio = f"{API}/recordings/{recorded.id}/audio"
        assert (await client.get(audio, headers=both)).status_code == 200
        assert (await client.get(audio, params={"download": True}, headers=both)).status_code == 403

    async def test_in_parts(self, client: httpx.AsyncClient, database: Database, recorded: Recorded) -> None:
        audio = f"{API}/recordings/{recorded.id}/audio"
        headers = await asker(database, Role.QUALITY)
        whole = (await client.get(audio, headers=headers)).content
        assert len(whole) == 44 + 30 * 32_000
        for first, last in ((0, 43), (65_530, 65_550), (900_000, 2_000_000)):
            part = await client.get(audio, headers={**headers, "Range": f"bytes={first}-{last}"})
            assert (part.status_code, part.content) == (206, whole[first : last + 1])
            assert part.headers["content-range"] == f"bytes {first}-{min(last, len(whole) - 1)}/{len(whole)}"
        beyond = await client.get(audio, headers={**headers, "Range": f"bytes={len(whole)}-"})
        assert (beyond.status_code, beyond.json()["code"]) == (416, "range-not-satisfiable")

    async def test_of_one_call(
        self, client: httpx.AsyncClient, database: Database, settings: Settings, recorded: Recorded
    ) -> None:
        await given_conversation(database, settings.recordings_dir, number=2)
        headers = await asker(database, Role.QUALITY)
        found = await client.get(f"{API}/recordings", params={"call_id": recorded.call_id}, headers=headers)
        (item,) = found.json()["items"]
        assert (item["id"], item["purpose"], item["agent_number"], item["channels"]) == (
            recorded.id,
            "conversation",
            "1001",
            2,
        )
        assert len(item["sha256"]) == 64

    async def test_what_is_not_stored_yet_or_was_changed_on_disk(
        self, client: httpx.AsyncClient, database: Database, settings: Settings, recorded: Recorded
    ) -> None:
        headers = await asker(database, Role.QUALITY)
        fresh = await given_conversation(database, settings.recordings_dir, number=2)
        for address in ("audio", "waveform"):
            answer = await client.get(f"{API}/recordings/{fresh.id}/{address}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (409, "recording-not-ready")
        kept = stored_path(settings.recordings_dir, recorded.id)
        kept.write_bytes(b"x" + kept.read_bytes()[1:])
        broken = await client.get(f"{API}/recordings/{recorded.id}/audio", headers=headers)
        assert (broken.status_code, broken.json()["code"]) == (503, "sealed-file-unreadable")
        kept.unlink()
        gone = await client.get(f"{API}/recordings/{recorded.id}/audio", headers=headers)
        assert (gone.status_code, gone.json()["code"]) == (404, "recording-file-missing")


async def test_waveform(client: httpx.AsyncClient, database: Database, recorded: Recorded) -> None:
    headers = await asker(database, Role.QUALITY)
    address = f"{API}/recordings/{recorded.id}/waveform"
    shown = (await client.get(address, headers=headers)).json()
    assert (shown["duration_seconds"], shown["is_cut"]) == (30.0, False)
    assert {side: (len(peaks), set(peaks)) for side, peaks in shown["sides"].items()} == {
        "caller": (300, {400 >> 7}),
        "agent": (300, {900 >> 7}),
    }
    fewer = (await client.get(address, params={"points": 200}, headers=headers)).json()
    assert len(fewer["sides"]["agent"]) == 200
    assert (await client.get(address, params={"points": 199}, headers=headers)).status_code == 422


class TestKeeping:
    async def delete(self, database: Database, settings: Settings, days: float) -> int:
        async with database.transaction() as session:
            at = now() + timedelta(days=days)
            return await delete_old(session, PBX, settings.recordings_dir, retention_days=180, at=at)

    async def test_a_held_recording_is_not_deleted(
        self, client: httpx.AsyncClient, database: Database, settings: Settings, recorded: Recorded
    ) -> None:
        headers = await asker(database, Role.SUPERVISOR, scope=("consultation",))
        hold = f"{API}/recordings/{recorded.id}/hold"
        assert (await client.request("DELETE", hold, json=REASON, headers=headers)).status_code == 409
        assert (await client.post(hold, json=REASON, headers=headers)).status_code == 201
        twice = await client.post(hold, json=REASON, headers=headers)
        assert (twice.status_code, twice.json()["code"]) == (409, "recording-already-held")
        listed = (await client.get(f"{API}/recordings", headers=headers)).json()["items"]
        assert [one["is_held"] for one in listed] == [True]
        assert await self.delete(database, settings, 200) == 0
        over = await client.request("DELETE", hold, json={"reason": "已结案"}, headers=headers)
        assert (over.status_code, over.json()["release_reason"]) == (200, "已结案")
        assert await self.delete(database, settings, 200) == 1
        assert not stored_path(settings.recordings_dir, recorded.id).exists()
        gone = await client.post(hold, json=REASON, headers=headers)
        assert (gone.status_code, gone.json()["code"]) == (410, "recording-deleted")
        holds = (await client.get(f"{API}/recordings/{recorded.id}/holds", headers=headers)).json()
        assert [one["reason"] for one in holds] == ["医疗纠纷"]
        assert [action for action, _, _ in await audited(database, "recordings.hold", "recordings.release_hold")] == [
            "recordings.hold",
            "recordings.release_hold",
        ]

    async def test_the_policy_of_the_queue_says_how_long(
        self, client: httpx.AsyncClient, database: Database, settings: Settings, recorded: Recorded
    ) -> None:
        await given_conversation(database, settings.recordings_dir, number=2, queue="vip")
        await storer(database, settings).tick()
        admin = await asker(database, Role.ADMIN)
        policy = {"mode": "all", "retention_days": 30}
        await client.put(f"{API}/queues/consultation/recording-policy", json=policy, headers=admin)
        assert await self.delete(database, settings, 29) == 0
        assert await self.delete(database, settings, 31) == 1
        async with database.transaction() as session:
            gone = (await session.scalars(select(Recording).where(Recording.deleted_at.is_not(None)))).all()
        assert [one.id for one in gone] == [recorded.id]
        assert await self.delete(database, settings, 181) == 1

    async def test_outside_the_scope_there_is_nothing_to_hold(
        self, client: httpx.AsyncClient, database: Database, recorded: Recorded
    ) -> None:
        other = await asker(database, Role.SUPERVISOR, scope=("vip",))
        hold = f"{API}/recordings/{recorded.id}/hold"
        assert (await client.post(hold, json=REASON, headers=other)).status_code == 404
        assert (await client.get(f"{hold}s", headers=other)).status_code == 404
        agent = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
        assert (await client.post(hold, json=REASON, headers=agent)).status_code == 403
