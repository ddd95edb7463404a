"""How far the audio of an article is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.directory.spoken import body_slot, title_slot
from callcenter.speech.languages import Language
from callcenter.speech.models import SpokenAudio, SpokenText

AudioState = Literal["missing", "previous", "fall_back", "ready"]
"""From what callers do not hear to what they shall hear: see :class:`PartAudio`."""
_ORDER: Sequence[AudioState] = ("missing", "previous", "fall_back", "ready")

Part = Literal["title", "body"]


@dataclass(frozen=True, slots=True)
class PartAudio:
    """Title or body in one language.

    ``state``: ``missing`` (nothing yet: callers do not find the article), ``previous`` (an older text),
    ``fall_back`` (this text, in the plain voice until the better one is ready), ``ready``. ``seconds``: how long
    callers listen now; None when missing.
    """

    part: Part
    language: Language
    state: AudioState
    seconds: float | None
    requested_at: datetime
    rendered_at: datetime | None
    failed_attempts: int
    last_error: str | None


async def audio_of_articles(session: AsyncSession, article_ids: Collection[UUID]) -> dict[UUID, list[PartAudio]]:
    """Title before body, in both languages."""
    parts: dict[str, tuple[UUID, Part]] = {}
    for article_id in article_ids:
        parts[title_slot(article_id)] = (article_id, "title")
        parts[body_slot(article_id)] = (article_id, "body")
    found: dict[UUID, list[PartAudio]] = {article_id: [] for article_id in article_ids}
    rows = await session.execute(
        select(SpokenText, SpokenAudio.text_fingerprint, SpokenAudio.seconds)
        .outerjoin(SpokenAudio, SpokenAudio.id == SpokenText.audio_id)
        .where(SpokenText.slot.in_(parts))
        .order_by(SpokenText.slot.desc(), SpokenText.language.desc())
        .execution_options(populate_existing=True)
    )
    for text, spoken_fingerprint, seconds in rows:
        article_id, part = parts[text.slot]
        found[article_id].append(
            PartAudio(
                part=part,
                language=cast(Language, text.language),
                state=_state(text, spoken_fingerprint),
                seconds=seconds,
                requested_at=text.requested_at,
                rendered_at=text.rendered_at,
                failed_attempts=text.attempts,
                last_error=text.last_error,
            )
        )
    return found


def state_of(audio: Sequence[PartAudio], language: Language) -> AudioState:
    """Of a whole article: that of the part that is least far."""
    states = [part.state for part in audio if part.language == language]
    return min(states, key=_ORDER.index, default="missing")


def _state(text: SpokenText, spoken_fingerprint: str | None) -> AudioState:
    if spoken_fingerprint is None:
        return "missing"
    if spoken_fingerprint != text.text_fingerprint:
        return "previous"
    return "ready" if text.due_at is None else "fall_back"
