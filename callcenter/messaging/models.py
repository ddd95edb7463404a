"""What is to be told to somebody outside: a committed fact first, then sent, its result recorded."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class Channel(StrEnum):
    MAIL = "mail"
    SMS = "sms"
    WEBHOOK = "webhook"


class MessageState(StrEnum):
    """``unknown``: handed over, but the answer never came; never sent again. ``failed``: refused for good;
    ``given_up``: tried for a day. ``expired``: surely not taken before its time was over."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class Report(StrEnum):
    """What was told of a message after it had been taken."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"


class OutboxMessage(Base):
    """One message to one target. No health data, no number of a patient: others read it. Of a private one nobody
    does, and what it said and to whom goes when it is over."""

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
    """A mail address, an E.164 number, or a webhook's URL."""
    subject: Mapped[str]
    """Of a mail; else empty."""
    content: Mapped[dict[str, Any]]
    """Of a mail ``text``; of a text message the fields of callcenter.messaging.sms.Sms; of a webhook its JSON body."""
    purpose: Mapped[str]
    """What it is about: ``alarm``, ``campaign``."""
    reference: Mapped[str]
    """Which one: the alarm's id, the attempt's."""
    is_private: Mapped[bool] = mapped_column(default=False, server_default=false())
    """To a patient."""
    expires_at: Mapped[datetime | None]
    """Not sent from then on; None: it is tried for a day."""
    token: Mapped[str] = mapped_column(default="", server_default="")
    """Of a private mail: in its Message-ID, so that nobody but its readers can report of it."""
    report: Mapped[str | None]
    """What was heard of it later; the first word counts."""
    state: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_by: Mapped[str | None]
    """PBX whose engine sends it, or did."""
    finished_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    """The last word of the other side, or ours."""
