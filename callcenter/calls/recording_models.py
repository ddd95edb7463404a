"""What is kept of recordings: the stored file of each, and who asked that one is not deleted."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.calls.models import Recording
from callcenter.core.db import Base


class StoredRecording(Base):
    """A recording's file as it is kept: a WAV, encrypted, named by the recording's id (calls/recording_store.py)."""

    __tablename__ = "stored_recordings"
    __table_args__ = (
        Index("ix_stored_recordings_source", "recording_id", postgresql_where=text("source_gone_at IS NULL")),
    )

    recording_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey(Recording.id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    stored_at: Mapped[datetime]
    wav_bytes: Mapped[int] = mapped_column(BigInteger)
    """Of the WAV, not of the encrypted file."""
    sha256: Mapped[str]
    """Of the WAV, in hexadecimal."""
    key_id: Mapped[str]
    """Which of the recording keys opens it."""
    channels: Mapped[int]
    """2: caller left, agent right. 1: the caller alone, or both mixed."""
    is_cut: Mapped[bool]
    """Asterisk could not finish it: what was said last is missing."""
    peaks: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """Loudest sample of each stretch, 0 to 255, one channel after the other."""
    source_gone_at: Mapped[datetime | None]
    """When the file that Asterisk wrote was removed."""


class RecordingHold(Base):
    """A legal hold: while one is not released, the recording is not deleted."""

    __tablename__ = "recording_holds"
    __table_args__ = (
        Index(
            "uq_recording_holds_recording_id",
            "recording_id",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    recording_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Recording.id, ondelete="CASCADE"))
    reason: Mapped[str]
    placed_at: Mapped[datetime]
    placed_by: Mapped[str]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    release_reason: Mapped[str | None]
