"""What shall be spoken, and the audio that there is of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class SpokenAudio(Base):
    """One piece of audio, never changed: 8 kHz, 16 bit, mono. Each PBX has it as ``sounds/spoken/<id>.wav``."""

    __tablename__ = "spoken_audio"
    __table_args__ = (Index("ix_spoken_audio_released_at", "released_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    text_fingerprint: Mapped[str]
    """Of the text it speaks (:func:`callcenter.speech.service.fingerprint`)."""
    provider: Mapped[str]
    """``recording``: somebody's own voice."""
    provider_version: Mapped[str]
    voice: Mapped[str]
    seconds: Mapped[float] = mapped_column(Double)
    wav: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    """Since when nothing plays it any more; a call that began before may still do."""


class SpokenText(Base):
    """The wanted text of one slot in one language, and the audio that is played until a better one is ready.

    A slot is named by whoever needs it: ``article:<uuid>:body``, ``closure:<uuid>``, ``comfort:<queue>``.
    """

    __tablename__ = "spoken_texts"
    __table_args__ = (
        Index("ix_spoken_texts_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_spoken_texts_audio_id", "audio_id"),
        Index("ix_spoken_texts_coming_audio_id", "coming_audio_id"),
    )

    slot: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    text_fingerprint: Mapped[str]
    audio_id: Mapped[UUID | None] = mapped_column(ForeignKey("spoken_audio.id"))
    """What callers hear now; None: nothing yet. It may speak an older text."""
    coming_audio_id: Mapped[UUID | None] = mapped_column(ForeignKey("spoken_audio.id"))
    """A recording that takes the place of ``audio_id`` as soon as the PBX has its file."""
    requested_at: Mapped[datetime]
    rendered_at: Mapped[datetime | None]
    """When ``audio_id`` was set."""
    stage: Mapped[str]
    """Who speaks next: ``fall-back`` (at once, by espeak-ng) or ``provider``."""
    due_at: Mapped[datetime | None]
    """When the next rendering may begin; None: nothing is left to do."""
    claimed_by: Mapped[str | None]
    """The PBX whose engine is rendering it; then ``due_at`` is when the claim ends."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Failed ones since the text was put."""
    last_error: Mapped[str | None]


class PromptRecording(Base):
    """Somebody's own voice in place of a standard prompt. ``sound``: as Asterisk plays it, ``cc/greeting``."""

    __tablename__ = "prompt_recordings"
    __table_args__ = (Index("ix_prompt_recordings_audio_id", "audio_id"),)

    sound: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    audio_id: Mapped[UUID] = mapped_column(ForeignKey("spoken_audio.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
