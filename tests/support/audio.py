"""Audio of spoken texts, as if the engine had rendered it."""

from sqlalchemy import select

from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.speech.models import SpokenAudio, SpokenText


async def given_audio(
    database: Database, *, slot_part: str = "", language: str | None = None, final: bool = True
) -> None:
    """Texts of slots with ``slot_part`` in the name are spoken as they are now; ``final``: by the best voice."""
    async with database.transaction() as session:
        for row in await session.scalars(select(SpokenText).where(SpokenText.slot.contains(slot_part))):
            if language not in (None, row.language):
                continue
            audio = SpokenAudio(
                id=new_id(),
                text_fingerprint=row.text_fingerprint,
                provider="kokoro" if final else "espeak-ng",
                provider_version="test",
                voice="test",
                seconds=float(len(row.text)),
                wav=b"",
                created_at=now(),
            )
            session.add(audio)
            await session.flush()
            row.audio_id, row.rendered_at = audio.id, now()
            if final:
                row.due_at = None
