"""All SQL of spoken texts and their audio."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.speech.models import SpokenAudio, SpokenText


async def texts_of_slot(session: AsyncSession, slot: str) -> Sequence[SpokenText]:
    """Every language of it, locked: two people may save at once."""
    return (await session.scalars(select(SpokenText).where(SpokenText.slot == slot).with_for_update())).all()


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
