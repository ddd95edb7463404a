"""What is to be told to somebody outside: a committed fact first, then sent, its result recorded."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class MessageState(StrEnum):
    """``unknown``: handed over, but the answer never came; never sent again. ``failed``: refused for good;
    ``given_up``: tried for a day."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    UNKNOWN = "unknown"


class OutboxMessage(Base):
    """One message to one target. No health data, no number of a patient: others read it."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        Index("ix_outbox_messages_due", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_outbox_messages_sending", "claimed_by", postgresql_where=text("state = 'sending'")),
        Index("ix_outbox_messages_reference", "purpose", "reference"),
        Index("ix_outbox_messages_finished_at", "finished_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    channel: Mapped[str]
    target: Mapped[str]
    """A mail address, or a webhook's URL."""
    subject: Mapped[str]
    """Of a mail; empty for a webhook."""
    content: Mapped[dict[str, Any]]
    """Of a mail ``text``; of a webhook its JSON body."""
    purpose: Mapped[str]
    """What it is about: ``alarm``."""
    reference: Mapped[str]
    """Which one: the alarm's id."""
    state: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_by: Mapped[str | None]
    """PBX whose engine sends it, or did."""
    finished_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    """The last word of the other side, or ours."""
