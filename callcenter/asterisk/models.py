"""What we ask of a PBX, as committed rows (principle 3: a fact is committed before the world is touched)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class CommandState(StrEnum):
    """``unknown``: sent, but the link or the engine died before the answer; never blindly repeated."""

    PENDING = "pending"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PbxCommand(Base):
    """One action for one PBX. ``action`` and ``arguments`` are checked against callcenter/asterisk/commands.py."""

    __tablename__ = "pbx_commands"
    __table_args__ = (
        Index("ix_pbx_commands_open", "pbx", "id", postgresql_where=text("state IN ('pending', 'sent')")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pbx: Mapped[str]
    action: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    cause: Mapped[str]
    """Who asked: a user's name, ``reconcile``, ``system``."""
    state: Mapped[str] = mapped_column(default=CommandState.PENDING)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    """Asterisk's own message."""
