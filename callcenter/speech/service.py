"""Rules of what is spoken: a text is put into a slot, its audio follows, and callers hear the newest there is."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.speech import queries
from callcenter.speech.errors import InvalidSpokenText
from callcenter.speech.languages import LANGUAGES, Language
from callcenter.speech.models import SpokenAudio, SpokenText

TOPIC = "spoken_texts"
"""Announced whenever there may be something to render, or audio to bring to the PBX."""

MAX_TEXT_LENGTH = 2_000
"""Characters; about eight minutes of Mandarin."""

SOUNDS_DIR = "spoken"
"""Folder below Asterisk's ``sounds`` that holds the audio."""

PLAYED_AFTER = timedelta(seconds=3)
"""A recording of a standard prompt is played from then on: until then every ivr process learns how long it is."""

_SLOT = re.compile(r"[a-z][a-z0-9_-]*(:[A-Za-z0-9_.-]+)+")
_MAX_SLOT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SpokenSound:
    """``file``: as Asterisk plays it, without suffix. ``seconds``: how long it takes."""

    file: str
    seconds: float


async def put_text(session: AsyncSession, slot: str, texts: Mapping[Language, str]) -> None:
    """What ``slot`` shall say from now on, in exactly these languages; repeating it changes nothing.

    The audio is rendered in the background after the commit: until it is ready, the previous audio plays, or
    the fall-back voice. Raises InvalidSpokenText (nothing to speak, too long, control characters, no languages).
    """
    if not _SLOT.fullmatch(slot) or len(slot) > _MAX_SLOT_LENGTH:
        raise InvalidSpokenText(f"{slot!r} is no name of a slot.", slot=slot)
    if not texts:
        raise InvalidSpokenText("There is no text in any language.", slot=slot)
    wanted = {language: _checked(slot, language, text) for language, text in texts.items()}
    rows = {row.language: row for row in await queries.texts_of_slot(session, slot)}
    for language, row in rows.items():
        if language not in wanted:
            await session.delete(row)
    for language, text in wanted.items():
        _want(session, rows.get(language), slot, language, text)
    await session.flush()
    await announce(session, TOPIC, [slot])


async def remove_texts(session: AsyncSession, slots: Collection[str]) -> None:
    """``slots`` say nothing any more; those that never did are no error. Calls that play their audio finish it."""
    if slots:
        await queries.delete_texts(session, slots)
        await announce(session, TOPIC, sorted(slots))


async def find_sounds(session: AsyncSession, slots: Collection[str], language: Language) -> dict[str, SpokenSound]:
    """What Asterisk can play now for each of ``slots``; slots without audio (yet) are missing."""
    if not slots:
        return {}
    return {slot: sound_of(audio) for slot, audio in await queries.audio_of_slots(session, slots, language)}


async def recorded_seconds(session: AsyncSession) -> dict[tuple[str, str], float]:
    """How long each own recording of a standard prompt plays, by (sound, language)."""
    rows = await queries.prompt_recordings(session)
    return {(recording.sound, recording.language): audio.seconds for recording, audio in rows}


def sound_of(audio: SpokenAudio) -> SpokenSound:
    """Where every PBX has this audio."""
    return SpokenSound(f"{SOUNDS_DIR}/{audio.id}", audio.seconds)


def fingerprint(text: str) -> str:
    """Tells one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def _want(session: AsyncSession, row: SpokenText | None, slot: str, language: Language, text: str) -> None:
    if row is None:
        row = SpokenText(slot=slot, language=language, audio_id=None, rendered_at=None)
        session.add(row)
    elif row.text_fingerprint == fingerprint(text):
        return
    row.text, row.text_fingerprint = text, fingerprint(text)
    row.requested_at = row.due_at = now()
    row.stage = "fall-back" if row.audio_id is None else "provider"
    row.coming_audio_id = row.claimed_by = row.last_error = None
    row.attempts = 0


def _checked(slot: str, language: str, text: str) -> str:
    if language not in LANGUAGES:
        raise InvalidSpokenText(f"{language!r} is not spoken here.", slot=slot, language=language)
    text = text.replace("\r\n", "\n").replace("\t", " ").strip()
    if not any(character.isalnum() for character in text):
        raise InvalidSpokenText("There is nothing to speak in the text.", slot=slot, language=language)
    if len(text) > MAX_TEXT_LENGTH:
        raise InvalidSpokenText(f"The text is longer than {MAX_TEXT_LENGTH} characters.", slot=slot, language=language)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text if character != "\n"):
        raise InvalidSpokenText("The text holds control characters.", slot=slot, language=language)
    return text
