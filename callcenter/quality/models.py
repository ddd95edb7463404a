"""Score sheets, and how recordings were scored by them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.calls.models import Recording
from callcenter.core.db import Base


class ScoreSheet(Base):
    """One version of a score sheet; never changed: a change is the next version."""

    __tablename__ = "score_sheets"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    """As :class:`callcenter.quality.sheets.Sheet` writes it."""
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class QualityScore(Base):
    """A supervisor's mark of a recording; as it stands now, what it was before: :class:`QualityScoreRevision`."""

    __tablename__ = "quality_scores"
    __table_args__ = (
        ForeignKeyConstraint(["sheet_name", "sheet_version"], [ScoreSheet.name, ScoreSheet.version]),
        UniqueConstraint("recording_id", "scored_by"),
        Index("ix_quality_scores_agent_number_scored_at", "agent_number", "scored_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    recording_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Recording.id, ondelete="CASCADE"))
    agent_number: Mapped[str]
    queue_name: Mapped[str | None]
    sheet_name: Mapped[str]
    sheet_version: Mapped[int]
    scored_by: Mapped[str]
    """Log-in name of the scorer."""
    scored_at: Mapped[datetime]
    """When it was scored as it stands."""
    revision: Mapped[int]
    answers: Mapped[dict[str, Any]]
    """Question's key to its answer."""
    comment: Mapped[str]
    total: Mapped[float | None]
    """0 to 100; None: no question applied."""
    is_fatal: Mapped[bool]
    """A fatal question was failed: the total is 0."""
    reply: Mapped[str | None]
    """What the agent answered, once."""
    replied_at: Mapped[datetime | None]


class QualityScoreRevision(Base):
    """How a score stood, and why it was changed to that."""

    __tablename__ = "quality_score_revisions"

    score_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey(QualityScore.id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    reason: Mapped[str]
    answers: Mapped[dict[str, Any]]
    comment: Mapped[str]
    total: Mapped[float | None]
    is_fatal: Mapped[bool]
