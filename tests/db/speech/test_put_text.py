"""What a slot shall say, and what callers hear of it."""

import pytest

from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.speech.errors import InvalidSpokenText
from callcenter.speech.models import SpokenAudio, SpokenText
from callcenter.speech.service import find_sounds, fingerprint, put_text, remove_texts

SLOT = "closure:7"


async def row_of(database: Database, language: str = "zh") -> SpokenText | None:
    async with database.transaction() as session:
        return await session.get(SpokenText, (SLOT, language))


async def given_audio(database: Database, language: str = "zh") -> None:
    """As if the engine had rendered what is wanted now."""
    async with database.transaction() as session:
        row = await session.get_one(SpokenText, (SLOT, language))
        audio = SpokenAudio(
            text_fingerprint=row.text_fingerprint,
            provider="kokoro",
            provider_version="1",
            voice="x",
            seconds=2.5,
            wav=b"RIFF",
            created_at=now(),
        )
        session.add(audio)
        await session.flush()
        row.audio_id, row.due_at = audio.id, None


async def test_new_text_is_due_for_the_fall_back_voice_and_silent_until_then(database: Database) -> None:
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。", "en": "Closed today."})
    row = await row_of(database)
    assert row is not None
    assert (row.stage, row.due_at == row.requested_at, row.audio_id) == ("fall-back", True, None)
    async with database.transaction() as session:
        assert await find_sounds(session, [SLOT], "zh") == {}


async def test_changed_text_keeps_its_audio_until_a_new_one_is_ready(database: Database) -> None:
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。", "en": "Closed today."})
    await given_audio(database)
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "明天停诊。", "en": "Closed today."})
    row = await row_of(database)
    assert row is not None
    assert row.stage == "provider"
    assert row.due_at is not None
    assert row.text_fingerprint == fingerprint("明天停诊。")
    async with database.transaction() as session:
        sounds = await find_sounds(session, [SLOT, "closure:8"], "zh")
    assert {slot: (sound.file, sound.seconds) for slot, sound in sounds.items()} == {
        SLOT: (f"spoken/{row.audio_id}", 2.5)
    }


async def test_repeating_a_text_renders_nothing_anew(database: Database) -> None:
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。"})
    await given_audio(database)
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": " 今天停诊。\n"})
    row = await row_of(database)
    assert row is not None
    assert row.due_at is None


async def test_language_that_is_no_longer_there_falls_silent(database: Database) -> None:
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。", "en": "Closed today."})
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。"})
    assert await row_of(database, "zh") is not None
    assert await row_of(database, "en") is None


async def test_removed_slot_says_nothing(database: Database) -> None:
    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。"})
    await given_audio(database)
    async with database.transaction() as session:
        await remove_texts(session, [SLOT, "closure:none"])
        await remove_texts(session, [])
    async with database.transaction() as session:
        assert await find_sounds(session, [SLOT], "zh") == {}
        assert await find_sounds(session, [], "zh") == {}


@pytest.mark.parametrize("text", ["", " 。… ", "停诊\x07", "停\x00诊", "停\x1b[2J诊", "长" * 2001])
async def test_what_cannot_be_spoken_is_refused(database: Database, text: str) -> None:
    async with database.transaction() as session:
        with pytest.raises(InvalidSpokenText):
            await put_text(session, SLOT, {"zh": text})
    assert await row_of(database) is None


@pytest.mark.parametrize("slot", ["", "closure", "closure:", "../x:1", "closure:a b", "closure:a/b", "c:" + "x" * 200])
async def test_slots_have_plain_names(database: Database, slot: str) -> None:
    async with database.transaction() as session:
        with pytest.raises(InvalidSpokenText):
            await put_text(session, slot, {"zh": "今天停诊。"})


async def test_slot_without_any_text_is_refused(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(InvalidSpokenText):
            await put_text(session, SLOT, {})
