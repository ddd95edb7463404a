"""Where contacts come from: what a campaign looks for each day, on which days it has, and files that were read."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class CampaignTrigger(Base):
    """Whom a campaign finds by itself. ``audience``: a shape of callcenter.campaigns.audiences."""

    __tablename__ = "campaign_triggers"

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    audience: Mapped[dict[str, Any]]
    at_time: Mapped[str | None]
    """``16:00`` of the hospital's clock, daily; None: only when staff ask for it."""
    standard: Mapped[str | None] = mapped_column(unique=True)
    """Which of callcenter.campaigns.standard it is; None: the hospital's own."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class CampaignTriggerDay(Base):
    """A day that a campaign has looked for, or is at it: never another time."""

    __tablename__ = "campaign_trigger_days"

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Of the hospital's calendar."""
    position: Mapped[str | None]
    """Behind which the next rows are; None: at the beginning."""
    found: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    unreachable: Mapped[int] = mapped_column(default=0)
    """Found, but without a number or address for the campaign's channels."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class CampaignImport(Base):
    """A file of contacts, and how far it is read. ``added + existing + rejected == rows``."""

    __tablename__ = "campaign_imports"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'finished', 'cancelled', 'failed')", name="state"),
        Index("ix_campaign_imports_campaign_id", "campaign_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    state: Mapped[str]
    reason: Mapped[str | None]
    """Of one that failed, a stable word."""
    rows_total: Mapped[int | None]
    """About how many there are, where it is known."""
    rows: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    existing: Mapped[int] = mapped_column(default=0)
    """Whose key is in the campaign already, or stood earlier in the file."""
    rejected: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    started_by: Mapped[str]
    changed_at: Mapped[datetime]


class CampaignImportProblem(Base):
    """One bad cell of a file; ``column``: empty for the row as a whole."""

    __tablename__ = "campaign_import_problems"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    column: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    row_id: Mapped[str]
