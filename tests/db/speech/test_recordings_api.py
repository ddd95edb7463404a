"""Own recordings: uploaded, checked, heard in place of a rendered voice."""

import array
import io
import math
import subprocess
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.asterisk.sounds import sounds_dir
from callcenter.core.audit import AuditEntry
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.recorded_prompts import RecordedPrompts
from callcenter.speech.recordings import MAX_RECORDING_BYTES
from callcenter.speech.service import put_text
from tests.support.api import api_client, as_role, declared_roles
from tests.support.polling import becomes
from tests.support.spoken import audio_by, running_speech, sound_file, text_row

SLOT = "closure:3"
Headers = dict[str, str]


@pytest.fixture
async def lead(database: Database) -> Headers:
    return await as_role(database, Role.SUPERVISOR)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state")


@pytest.fixture
async def client(database: Database, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(database, settings.state_dir) as client:
        yield client


def tone(
    seconds: float,
    *,
    rate: int = 44_100,
    channels: int = 2,
    loudness: float = 0.2,
    offset: float = 0.0,
) -> bytes:
    """A WAV file."""
    values = array.array("h")
    for index in range(int(seconds * rate)):
        value = round(32767 * (offset + loudness * math.sin(index * 2 * math.pi * 440 / rate)))
        values.extend([value] * channels)
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((channels, 2, rate, 0, "NONE", ""))
        wav.writeframes(values.tobytes())
    return file.getvalue()


def as_kind(wav: bytes, kind: str) -> bytes:
    done = subprocess.run(["sox", "-t", "wav", "-", "-t", kind, "-"], input=wav, capture_output=True, check=True)
    return done.stdout


def long_tone(seconds: int, kind: str) -> bytes:
    command = ["sox", "-n", "-r", "8000", "-b", "16", "-c", "1", "-t", kind, "-", "synth", str(seconds), "sine", "2000"]
    return subprocess.run(command, capture_output=True, check=True).stdout


async def given_text(database: Database, text: str = "今天停诊。") -> None:
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": text})


async def upload(
    client: httpx.AsyncClient, headers: Headers, content: bytes, path: str = "spoken-texts", **fields: str
) -> httpx.Response:
    data = {"slot": SLOT, "language": "zh"} if path == "spoken-texts" else {"prompt_id": "greeting", "language": "zh"}
    return await client.post(
        f"/api/v1/{path}/recordings", data=data | fields, files={"file": ("../../x.wav", content)}, headers=headers
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def check_telephone(content: bytes, seconds: float) -> None:
    with wave.open(io.BytesIO(content)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 1, 2)
        samples = array.array("h", wav.readframes(wav.getnframes()))
    assert len(samples) / 8000 == pytest.approx(seconds, abs=0.02)
    assert 20 * math.log10(max(abs(sample) for sample in samples) / 32768) == pytest.approx(-3, abs=0.5)


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    roles = await declared_roles(client, "speech_", "prompts_")
    assert len(roles) == 9
    assert set(map(tuple, roles.values())) == {("admin", "supervisor")}


# -- texts


async def test_recording_takes_the_place_of_the_rendered_voice_until_the_text_changes(
    client: httpx.AsyncClient, database: Database, lead: Headers, settings: Settings
) -> None:
    await given_text(database)
    async with running_speech(settings, database):
        await audio_by(database, SLOT, "espeak-ng")
        answer = await upload(client, lead, tone(2))
        assert answer.status_code == 200
        assert answer.json()["state"] == "ready"  # the rendered voice, until the PBX has the file
        await audio_by(database, SLOT, "recording")
        check_telephone((await sound_file(settings, database, SLOT)).read_bytes(), 2)
        heard = await client.get(f"/api/v1/spoken-texts/{SLOT}/zh/audio", headers=lead)
        check_telephone(heard.content, 2)
        [listed] = (await client.get("/api/v1/spoken-texts", headers=lead)).json()["items"]
        assert (listed["provider"], listed["seconds"], listed["state"]) == ("recording", 2.0, "ready")
        await given_text(database, "明天停诊。")
        await audio_by(database, SLOT, "espeak-ng")


async def test_removed_recording_gives_way_to_the_rendered_voice(
    client: httpx.AsyncClient, database: Database, lead: Headers, settings: Settings
) -> None:
    await given_text(database)
    path = f"/api/v1/spoken-texts/{SLOT}/zh/recording"
    assert refusal(await client.delete(path, headers=lead)) == (404, "recording-not-found")
    async with running_speech(settings, database):
        await upload(client, lead, tone(2))
        await audio_by(database, SLOT, "recording")
        assert (await client.delete(path, headers=lead)).status_code == 204
        await audio_by(database, SLOT, "espeak-ng")
    async with database.transaction() as session:
        actions = (await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))).all()
    assert actions == ["speech.put_recording", "speech.remove_recording"]


async def test_recording_is_never_played_before_its_file_is_there(
    client: httpx.AsyncClient, database: Database, lead: Headers, settings: Settings
) -> None:
    await given_text(database)
    assert (await upload(client, lead, tone(2))).status_code == 200
    row = await text_row(database, SLOT)
    assert row.audio_id is None
    assert (await client.get(f"/api/v1/spoken-texts/{SLOT}/zh/audio", headers=lead)).status_code == 404
    async with running_speech(settings, database):
        await audio_by(database, SLOT, "recording")
    row = await text_row(database, SLOT)
    assert (row.coming_audio_id, row.due_at) == (None, None)


async def test_texts_are_listed_by_pages(client: httpx.AsyncClient, database: Database, lead: Headers) -> None:
    async with database.transaction() as session:
        for number in range(3):
            await put_text(session, f"closure:{number}", {"zh": "停诊", "en": "Closed"})
    found, cursor = [], ""
    while True:
        answer = (await client.get(f"/api/v1/spoken-texts?limit=4{cursor}", headers=lead)).json()
        found += [(item["slot"], item["language"], item["state"]) for item in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert found == [(f"closure:{number}", language, "silent") for number in range(3) for language in ("en", "zh")]
    one = (await client.get("/api/v1/spoken-texts?slot=closure:1", headers=lead)).json()["items"]
    assert [item["slot"] for item in one] == ["closure:1", "closure:1"]
    for cursor in ("W10", "WyJhIl0", "WzEsMl0"):
        answer = await client.get(f"/api/v1/spoken-texts?cursor={cursor}", headers=lead)
        assert refusal(answer) == (422, "invalid-cursor")


async def test_recording_of_nothing_is_refused(client: httpx.AsyncClient, lead: Headers) -> None:
    assert refusal(await upload(client, lead, tone(1))) == (404, "spoken-text-not-found")
    assert refusal(await upload(client, lead, tone(1), path="prompts", prompt_id="nonesuch")) == (404, "unknown-prompt")
    answer = await client.get(f"/api/v1/spoken-texts/{SLOT}/zh/audio", headers=lead)
    assert refusal(answer) == (404, "spoken-text-not-found")


# -- what is no good recording


@pytest.mark.parametrize("content", [
    pytest.param(tone(1), id="stereo 44.1 kHz"),
    pytest.param(tone(1, rate=8000, channels=1), id="telephone"),
    pytest.param(tone(1, rate=11_025, channels=1, loudness=0.02), id="quiet"),
    pytest.param(as_kind(tone(1), "vorbis"), id="ogg"),
    pytest.param(as_kind(tone(1), "flac"), id="flac"),
])  # fmt: skip
async def test_recordings_of_any_kind_become_telephone_audio(
    client: httpx.AsyncClient, database: Database, lead: Headers, content: bytes
) -> None:
    answer = await upload(client, lead, content, path="prompts")
    assert answer.status_code == 200
    heard = await client.get("/api/v1/prompts/audio/zh/greeting", headers=lead)
    check_telephone(heard.content, 1)


BROKEN_HEADER = b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff" + b"\x00" * 400


@pytest.mark.parametrize(("content", "expected"), [
    pytest.param(b"", (422, "recording-format-unknown"), id="nothing"),
    pytest.param(b"#!/bin/sh\nrm -rf /\n", (422, "recording-format-unknown"), id="a script"),
    pytest.param(b"%PDF-1.4" + b"x" * 1000, (422, "recording-format-unknown"), id="another document"),
    pytest.param(b"#EXTM3U\n/etc/passwd\n", (422, "recording-format-unknown"), id="a play list"),
    pytest.param(BROKEN_HEADER, (422, "recording-broken"), id="broken header"),
    pytest.param(tone(2)[:100_000], (422, "recording-broken"), id="cut off"),
    pytest.param(b"OggS" + b"\x00" * 2000, (422, "recording-broken"), id="ogg by name only"),
    pytest.param(long_tone(301, "wav"), (422, "recording-too-long"), id="too long"),
    pytest.param(tone(0.2), (422, "recording-too-short"), id="too short"),
    pytest.param(tone(2, loudness=0.0), (422, "recording-silent"), id="silence"),
    pytest.param(tone(2, loudness=0.001), (422, "recording-silent"), id="hardly a sound"),
    pytest.param(tone(2, loudness=0.0, offset=0.4), (422, "recording-silent"), id="a constant voltage"),
    pytest.param(tone(1).ljust(MAX_RECORDING_BYTES + 1), (413, "recording-too-large"), id="too large"),
])  # fmt: skip
async def test_bad_recordings_are_refused_by_name(
    client: httpx.AsyncClient, database: Database, lead: Headers, content: bytes, expected: tuple[int, str]
) -> None:
    assert refusal(await upload(client, lead, content, path="prompts")) == expected
    prompt = (await client.get("/api/v1/prompts/greeting", headers=lead)).json()
    assert prompt["audio"]["zh"]["provider"] != "recording"


async def test_small_file_that_unpacks_to_an_hour_is_refused_soon(client: httpx.AsyncClient, lead: Headers) -> None:
    content = long_tone(3600, "flac")
    assert len(content) < MAX_RECORDING_BYTES
    assert refusal(await upload(client, lead, content, path="prompts")) == (422, "recording-too-long")


# -- standard prompts


async def test_recording_of_a_prompt_replaces_its_sound_and_goes_again(
    client: httpx.AsyncClient, database: Database, lead: Headers, settings: Settings
) -> None:
    library = load_prompts(settings.prompts_dir)
    rendered = library.audio_path(library.get("digits/1"), "zh").read_bytes()
    sound = sounds_dir(settings) / "zh" / "digits" / "1.wav"
    sound.parent.mkdir(parents=True)  # as `pbx up` made it
    sound.write_bytes(rendered)
    recorded = RecordedPrompts(database)

    async def heard() -> bytes:
        return sound.read_bytes()

    async with running_speech(settings, database):
        answer = await upload(client, lead, tone(9), path="prompts", prompt_id="digits/1")
        assert answer.json()["audio"]["zh"] == {"text": "一", "provider": "recording", "seconds": 9.0, "current": True}
        await recorded.refresh()
        assert recorded.apply(library).duration_seconds("digits/1", "zh") == 9.0  # known before it is heard
        assert await heard() == rendered
        check_telephone(await becomes(heard, lambda content: content != rendered), 9)
        path = "/api/v1/prompts/recordings/zh/digits/1"
        assert (await client.delete(path, headers=lead)).status_code == 204
        await becomes(heard, lambda content: content == rendered)
        await recorded.refresh()
        assert recorded.apply(library).duration_seconds("digits/1", "zh") == 9.0  # a call may still be hearing it
        for _ in range(10):
            await recorded.refresh()
        assert recorded.apply(library).duration_seconds("digits/1", "zh") < 2
        assert refusal(await client.delete(path, headers=lead)) == (404, "recording-not-found")


async def test_prompts_are_listed_with_who_speaks_them(client: httpx.AsyncClient, lead: Headers) -> None:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = (await client.get(f"/api/v1/prompts?limit=100{cursor}", headers=lead)).json()
        found += answer["items"]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    library = load_prompts(Settings().prompts_dir)
    assert [prompt["id"] for prompt in found] == sorted(prompt.id for prompt in library)
    greeting = next(prompt for prompt in found if prompt["id"] == "greeting")
    assert (greeting["sound"], greeting["audio"]["zh"]["provider"]) == ("cc/greeting", "kokoro")
    assert greeting["audio"]["zh"]["seconds"] == library.duration_seconds("greeting", "zh")
    assert refusal(await client.get("/api/v1/prompts/nonesuch", headers=lead)) == (404, "unknown-prompt")
