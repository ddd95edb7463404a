"""Revisions of call flows: a call that is parked goes on with the flow it began with, in any ivr process.

And what supervisors have said to callers first (callcenter.ivr.announcements).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class FlowRevision(Base):
    """``content``: the YAML of the flow and of all it goes to, as :func:`callcenter.ivr.checks.bundle` writes it."""

    __tablename__ = "flow_revisions"

    flow: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]
    first_seen_at: Mapped[datetime]


class Announcement(Base):
    """Played to callers first, until it is switched off; one at a time for each number, queue, and for all."""

    __tablename__ = "announcements"
    __table_args__ = (
        Index("uq_announcements_open", "scope", "name", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scope: Mapped[str]
    """``all``, ``number`` (a DID) or ``queue``."""
    name: Mapped[str]
    """Of the number or queue; empty for all."""
    text_zh: Mapped[str]
    text_en: Mapped[str]
    started_at: Mapped[datetime]
    started_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
