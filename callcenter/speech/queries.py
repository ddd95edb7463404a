"""All SQL of spoken texts and their audio."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, not_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.speech.models import PromptRecording, SpokenAudio, SpokenText


async def texts_of_slot(session: AsyncSession, slot: str) -> Sequence[SpokenText]:
    """Every language of it, locked: two people may save at once."""
    return (await session.scalars(select(SpokenText).where(SpokenText.slot == slot).with_for_update())).all()


async def find_text(session: AsyncSession, slot: str, language: str, *, lock: bool = False) -> SpokenText | None:
    """``lock``: until the transaction ends, so that nobody changes it meanwhile."""
    return await session.get(SpokenText, (slot, language), with_for_update=lock)


async def texts_with_audio(
    session: AsyncSession, *, after: tuple[str, str] | None, limit: int, slot: str | None = None
) -> Sequence[tuple[SpokenText, SpokenAudio | None]]:
    """In order of slot and language, from the one behind ``after``, each with what callers hear of it."""
    statement = (
        select(SpokenText, SpokenAudio)
        .outerjoin(SpokenAudio, SpokenAudio.id == SpokenText.audio_id)
        .order_by(SpokenText.slot, SpokenText.language)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(SpokenText.slot, SpokenText.language) > after)
    if slot is not None:
        statement = statement.where(SpokenText.slot == slot)
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def delete_texts(session: AsyncSession, slots: Collection[str]) -> None:
    await session.execute(delete(SpokenText).where(SpokenText.slot.in_(slots)))


async def audio_of_slots(
    session: AsyncSession, slots: Collection[str], language: str
) -> Sequence[tuple[str, SpokenAudio]]:
    """Slot and what is played for it; slots without audio are missing."""
    rows = await session.execute(
        select(SpokenText.slot, SpokenAudio)
        .join(SpokenAudio, SpokenAudio.id == SpokenText.audio_id)
        .where(SpokenText.slot.in_(slots), SpokenText.language == language)
    )
    return [(row[0], row[1]) for row in rows]


# -- rendering


async def claim_due_text(
    session: AsyncSession, stage: str, *, at: datetime, until: datetime, claimed_by: str
) -> SpokenText | None:
    """The text of this stage that has been due for longest, now claimed; those that others hold are passed over."""
    row: SpokenText | None = await session.scalar(
        select(SpokenText)
        .where(SpokenText.stage == stage, SpokenText.due_at <= at)
        .order_by(SpokenText.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is not None:
        row.claimed_by, row.due_at = claimed_by, until
    return row


async def find_claimed_text(
    session: AsyncSession, slot: str, language: str, text_fingerprint: str, claimed_by: str
) -> SpokenText | None:
    """The row of a claim, locked; None when the text has changed or gone, or the claim was another's meanwhile."""
    row: SpokenText | None = await session.scalar(
        select(SpokenText)
        .where(
            SpokenText.slot == slot,
            SpokenText.language == language,
            SpokenText.text_fingerprint == text_fingerprint,
            SpokenText.claimed_by == claimed_by,
        )
        .with_for_update()
    )
    return row


async def release_claims(session: AsyncSession, stage: str, claimed_by: str, *, at: datetime) -> None:
    """What an engine that died was rendering is due again."""
    await session.execute(
        update(SpokenText)
        .where(SpokenText.stage == stage, SpokenText.claimed_by == claimed_by)
        .values(claimed_by=None, due_at=at)
    )


async def make_due_by_maker(
    session: AsyncSession, provider: str, voices: Sequence[tuple[str, str]], *, at: datetime
) -> None:
    """What another engine or voice (``voices``: language, voice) has spoken is spoken anew; own recordings stay."""
    wanted = [(language, provider, voice) for language, voice in voices]
    made_otherwise = exists().where(
        SpokenAudio.id == SpokenText.audio_id,
        SpokenAudio.provider != "recording",
        not_(tuple_(SpokenText.language, SpokenAudio.provider, SpokenAudio.voice).in_(wanted)),
    )
    await session.execute(
        update(SpokenText)
        .where(SpokenText.due_at.is_(None), made_otherwise)
        .values(stage="provider", due_at=at, attempts=0)
    )


# -- audio


def _is_played() -> ColumnElement[bool]:
    return or_(
        exists().where(SpokenText.audio_id == SpokenAudio.id),
        exists().where(SpokenText.coming_audio_id == SpokenAudio.id),
        exists().where(PromptRecording.audio_id == SpokenAudio.id),
    )


async def audio_ids(session: AsyncSession) -> Sequence[UUID]:
    """All audio that there is, also what is no longer played."""
    return (await session.scalars(select(SpokenAudio.id))).all()


async def wav_of(session: AsyncSession, audio_id: UUID) -> bytes | None:
    """The file's content; None when it has gone meanwhile."""
    content: bytes | None = await session.scalar(select(SpokenAudio.wav).where(SpokenAudio.id == audio_id))
    return content


async def play_coming_audio(session: AsyncSession, audio_ids: Collection[UUID], *, at: datetime) -> None:
    """Recordings whose files the PBX has take their places."""
    await session.execute(
        update(SpokenText)
        .where(SpokenText.coming_audio_id.in_(audio_ids))
        .values(audio_id=SpokenText.coming_audio_id, coming_audio_id=None, rendered_at=at)
    )


async def release_audio(session: AsyncSession, *, at: datetime) -> None:
    """Note since when audio is no longer played."""
    await session.execute(
        update(SpokenAudio).where(SpokenAudio.released_at.is_(None), not_(_is_played())).values(released_at=at)
    )


async def delete_released_audio(session: AsyncSession, *, before: datetime) -> None:
    """Audio that nobody has played since ``before``."""
    await session.execute(delete(SpokenAudio).where(and_(SpokenAudio.released_at < before, not_(_is_played()))))


# -- own recordings of standard prompts


async def prompt_recordings(session: AsyncSession) -> Sequence[tuple[PromptRecording, SpokenAudio]]:
    rows = await session.execute(
        select(PromptRecording, SpokenAudio)
        .join(SpokenAudio, SpokenAudio.id == PromptRecording.audio_id)
        .order_by(PromptRecording.sound, PromptRecording.language)
    )
    return [(row[0], row[1]) for row in rows]
