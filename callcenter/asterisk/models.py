"""What we ask of a PBX, as committed rows (principle 3: a fact is committed before the world is touched)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Identity, Index, String, literal_column, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

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
        Index(
            "ix_pbx_commands_attempt",
            text("(arguments ->> 'attempt')"),
            postgresql_where=text("(arguments ->> 'attempt') IS NOT NULL"),
        ),
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


_ATTEMPT = literal_column("pbx_commands.arguments ->> 'attempt'", String)
"""As the index has it: with a key that is bound as a value the index does not match."""


def is_for_attempt(attempt_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Of a command: it dials for this attempt, or ends that dial."""
    return attempt_id == _ATTEMPT
