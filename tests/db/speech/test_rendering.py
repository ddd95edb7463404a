"""Texts are spoken in the background: at once by the fall-back voice, then by the engine that was chosen."""

import asyncio
import os
import threading
import wave
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.speech import queries
from callcenter.speech.models import SpokenAudio, SpokenText
from callcenter.speech.service import put_text, remove_texts
from callcenter.speech.sound_files import GRACE, SoundFiles
from tests.support.polling import becomes
from tests.support.speech_server import SpeechServer, speech_server, whistle
from tests.support.spoken import audio_by, open_alarms, played_audio, running_speech, sound_file, text_row

SLOT = "article:1:body"


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server() as server:
        yield server


def settings_of(folder: Path, server: SpeechServer | None = None, timeout_seconds: float = 30) -> Settings:
    if server is None:
        return Settings(state_dir=folder)
    return Settings(
        state_dir=folder,
        speech_provider="http",
        speech_http_url=server.url,
        speech_http_voice_zh="xiaomei",
        speech_timeout_seconds=timeout_seconds,
    )


async def given_text(database: Database, text: str = "今天停诊。", slot: str = SLOT) -> None:
    async with database.transaction() as session:
        await put_text(session, slot, {"zh": text})


def telephone_seconds(path: Path) -> float:
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 1, 2)
        return float(wav.getnframes() / 8000)


async def test_saved_text_is_spoken_without_a_restart(database: Database, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    async with running_speech(settings, database):
        await given_text(database)
        audio = await audio_by(database, SLOT, "espeak-ng")
        path = await sound_file(settings, database, SLOT)
        assert telephone_seconds(path) == pytest.approx(audio.seconds, abs=0.01)
        assert path.stat().st_mode & 0o444 == 0o444
        row = await text_row(database, SLOT)
        assert (row.due_at, row.claimed_by, row.attempts) == (None, None, 0)


async def test_fall_back_voice_speaks_until_the_chosen_engine_is_ready(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    may_answer = threading.Event()

    def answer(_body: object) -> tuple[int, bytes]:
        may_answer.wait(30)
        return 200, whistle()

    server.answer = answer
    settings = settings_of(tmp_path, server)
    async with running_speech(settings, database):
        await given_text(database)
        await audio_by(database, SLOT, "espeak-ng")
        first = await sound_file(settings, database, SLOT)
        may_answer.set()
        audio = await audio_by(database, SLOT, "http")
        assert (audio.voice, round(audio.seconds, 1)) == ("xiaomei", 1.1)
        assert first.is_file()  # a call may be playing it
    assert [body for body, _ in server.requests] == [{"text": "今天停诊。", "language": "zh", "voice": "xiaomei"}]


async def test_previous_audio_plays_until_the_new_one_is_ready(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        before = await audio_by(database, SLOT, "http")
        heard: list[SpokenAudio | None] = []

        def answer(_body: object) -> tuple[int, bytes]:
            future = asyncio.run_coroutine_threadsafe(played_audio(database, SLOT), loop)
            heard.append(future.result(20))
            return 200, whistle(2)

        loop = asyncio.get_running_loop()
        server.answer = answer
        await given_text(database, "明天停诊。")
        await becomes(lambda: played_audio(database, SLOT), lambda audio: audio is not None and audio.seconds > 2)
        assert [audio and audio.id for audio in heard] == [before.id]


async def test_failing_engine_leaves_the_fall_back_voice_of_todays_text_and_one_alarm(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        await audio_by(database, SLOT, "http")
        server.answer = lambda _body: (500, b"")
        await given_text(database, "明天停诊。")
        audio = await audio_by(database, SLOT, "espeak-ng")
        row = await becomes(lambda: text_row(database, SLOT), lambda row: row.stage == "provider" and row.attempts)
        assert audio.text_fingerprint == row.text_fingerprint
        assert row.last_error is not None
        assert "500" in row.last_error
        assert row.due_at is not None
        assert row.due_at > now()
        async with database.transaction() as session:  # the pause is over
            await session.execute(update(SpokenText).values(due_at=now()))
        again = await becomes(lambda: text_row(database, SLOT), lambda row: row.attempts == 2)
        assert again.due_at is not None
        assert again.due_at - now() > row.due_at - now()
        [alarm] = await open_alarms(database, "speech_failed")
        assert (alarm.key, alarm.occurrences) == ("http", 2)
        assert "停诊" not in str(alarm.details)
        server.answer = lambda _body: (200, whistle())
        async with database.transaction() as session:
            await session.execute(update(SpokenText).values(due_at=now()))
        await audio_by(database, SLOT, "http")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", whistle()[:9000], whistle(0.05), b"RIFF\xff\xff\xff\xffWAVE", whistle()[:44]],
    ids=["nothing", "a page", "cut off", "too short for a word", "broken header", "no samples"],
)
async def test_what_is_no_speech_is_never_played(
    database: Database, tmp_path: Path, server: SpeechServer, content: bytes
) -> None:
    server.answer = lambda _body: (200, content)
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        await becomes(lambda: text_row(database, SLOT), lambda row: row.attempts)
        audio = await played_audio(database, SLOT)
        assert audio is not None
        assert audio.provider == "espeak-ng"


async def test_engine_that_hangs_is_ended_and_blocks_nobody(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    may_answer = threading.Event()

    def answer(_body: object) -> tuple[int, bytes]:
        may_answer.wait(30)
        return 200, whistle()

    server.answer = answer
    try:
        async with running_speech(settings_of(tmp_path, server, timeout_seconds=2), database):
            await given_text(database)
            await given_text(database, "明天停诊。", "article:2:body")
            await audio_by(database, "article:2:body", "espeak-ng")
            row = await becomes(lambda: text_row(database, SLOT), lambda row: row.attempts)
            assert row.last_error is not None
    finally:
        may_answer.set()


async def test_without_the_fall_back_voice_the_engine_speaks_all_the_same(
    database: Database, tmp_path: Path, server: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sox").symlink_to("/usr/bin/sox")
    monkeypatch.setenv("PATH", str(tools))
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        await audio_by(database, SLOT, "http")
        [alarm] = await open_alarms(database, "speech_failed")
        assert "espeak-ng is not installed" in alarm.details["reason"]


async def test_text_that_changes_while_it_is_spoken_is_spoken_as_it_is_now(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    loop = asyncio.get_running_loop()

    def answer(body: dict[str, object]) -> tuple[int, bytes]:
        if "今天" in str(body["text"]):
            asyncio.run_coroutine_threadsafe(given_text(database, "明天停诊。"), loop).result(20)
        return 200, whistle()

    server.answer = answer
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        row = await becomes(lambda: text_row(database, SLOT), lambda row: row.due_at is None)
        audio = await audio_by(database, SLOT, "http")
        assert row.text == "明天停诊。"
        assert audio.text_fingerprint == row.text_fingerprint


async def test_slot_removed_while_it_is_spoken_stays_silent(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    loop = asyncio.get_running_loop()
    removed = threading.Event()

    async def remove() -> None:
        async with database.transaction() as session:
            await remove_texts(session, [SLOT])

    def answer(_body: object) -> tuple[int, bytes]:
        asyncio.run_coroutine_threadsafe(remove(), loop).result(20)
        removed.set()
        return 200, whistle()

    server.answer = answer
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        await asyncio.to_thread(removed.wait, 20)
        await given_text(database, "明天停诊。", "article:2:body")  # a later one: the first is settled by then
        server.answer = lambda _body: (200, whistle())
        await audio_by(database, "article:2:body", "http")
        assert await played_audio(database, SLOT) is None


async def test_another_engine_than_before_speaks_everything_anew(
    database: Database, tmp_path: Path, server: SpeechServer
) -> None:
    async with running_speech(settings_of(tmp_path), database):
        await given_text(database)
        await audio_by(database, SLOT, "espeak-ng")
    async with running_speech(settings_of(tmp_path, server), database):
        await audio_by(database, SLOT, "http")


async def test_secret_token_goes_to_the_service_only(
    database: Database, tmp_path: Path, server: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTER_SPEECH_HTTP_TOKEN", "very-secret")
    async with running_speech(settings_of(tmp_path, server), database):
        await given_text(database)
        await audio_by(database, SLOT, "http")
    assert server.requests[0][1]["Authorization"] == "Bearer very-secret"


# -- files


async def test_lost_files_are_written_again(database: Database, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    async with running_speech(settings, database):
        await given_text(database)
        await audio_by(database, SLOT, "espeak-ng")
    path = await sound_file(settings, database, SLOT)
    content = path.read_bytes()
    path.unlink()
    await SoundFiles(settings, database).bring_up_to_date()
    assert path.read_bytes() == content


async def test_audio_goes_when_nothing_played_it_for_an_hour(database: Database, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    async with running_speech(settings, database):
        await given_text(database)
        await audio_by(database, SLOT, "espeak-ng")
    path = await sound_file(settings, database, SLOT)
    draft = path.with_name(f".{path.name}.1.new")
    draft.write_bytes(b"half")
    files = SoundFiles(settings, database)
    async with database.transaction() as session:
        await remove_texts(session, [SLOT])
    await files.bring_up_to_date()
    assert path.is_file()
    long_ago = now() - GRACE - timedelta(minutes=1)
    async with database.transaction() as session:
        await session.execute(update(SpokenAudio).values(released_at=long_ago))
    for file in (path, draft):
        os.utime(file, (long_ago.timestamp(), long_ago.timestamp()))
    await files.bring_up_to_date()
    assert not path.exists()
    assert not draft.exists()
    async with database.transaction() as session:
        assert (await session.scalars(select(SpokenAudio))).all() == []


async def test_two_engines_never_speak_the_same_text(database: Database) -> None:
    await given_text(database)
    at = now()
    async with database.transaction() as one, database.transaction() as other:
        first = await queries.claim_due_text(one, "fall-back", at=at, until=at + timedelta(minutes=1), claimed_by="a")
        second = await queries.claim_due_text(
            other, "fall-back", at=at, until=at + timedelta(minutes=1), claimed_by="b"
        )
        assert first is not None
        assert second is None
    async with database.transaction() as session:
        assert (
            await queries.claim_due_text(session, "fall-back", at=at, until=at + timedelta(minutes=1), claimed_by="b")
            is None
        )
