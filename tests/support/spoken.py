"""The engine's part of speech, running for a test; and what callers would hear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from callcenter.asterisk.sounds import sounds_dir
from callcenter.core.alarms import Alarm
from callcenter.core.bus import BusListener
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.jobs import keep_running
from callcenter.speech.languages import Language
from callcenter.speech.models import SpokenAudio, SpokenText
from callcenter.speech.rendering import engine_work
from callcenter.speech.service import TOPIC, find_sounds
from tests.support.polling import becomes


@asynccontextmanager
async def running_speech(settings: Settings, database: Database) -> AsyncIterator[None]:
    """As the engine runs it."""
    bus = BusListener(database.url)
    work = engine_work(settings, database)
    for one in work.values():
        bus.subscribe(TOPIC, one.wake, one.wake)
    tasks = [asyncio.create_task(keep_running(name, one.run)) for name, one in work.items()]
    tasks.append(asyncio.create_task(bus.run()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def text_row(database: Database, slot: str, language: Language = "zh") -> SpokenText:
    async with database.transaction() as session:
        return await session.get_one(SpokenText, (slot, language))


async def played_audio(database: Database, slot: str, language: Language = "zh") -> SpokenAudio | None:
    """What callers hear now."""
    async with database.transaction() as session:
        found: SpokenAudio | None = await session.scalar(
            select(SpokenAudio)
            .join(SpokenText, SpokenText.audio_id == SpokenAudio.id)
            .where(SpokenText.slot == slot, SpokenText.language == language)
        )
        return found


async def audio_by(database: Database, slot: str, provider: str, language: Language = "zh") -> SpokenAudio:
    """Wait until callers hear this provider's voice."""
    audio = await becomes(
        lambda: played_audio(database, slot, language), lambda audio: audio is not None and audio.provider == provider
    )
    assert audio is not None
    return audio


async def sound_file(settings: Settings, database: Database, slot: str, language: Language = "zh") -> Path:
    """The file that Asterisk would open."""
    async with database.transaction() as session:
        sounds = await find_sounds(session, [slot], language)
    return sounds_dir(settings) / f"{sounds[slot].file}.wav"


async def open_alarms(database: Database, kind: str) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).where(Alarm.kind == kind)))
