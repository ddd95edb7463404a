"""Call-backs: patients who left the queue and keep their place in it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class CallbackState(StrEnum):
    """``waiting``: nothing of it is in Asterisk (not yet, or until the next try). ``queued``: it stands in the queue.
    ``dialling``: an agent has it; the patient is dialled or talks. The rest are ends, of which ``unknown`` waits for
    a person: the patient may have been dialled.
    """

    WAITING = "waiting"
    QUEUED = "queued"
    DIALLING = "dialling"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


OPEN_STATES = (CallbackState.WAITING, CallbackState.QUEUED, CallbackState.DIALLING)
IS_OPEN = text("state IN ('waiting', 'queued', 'dialling')")
"""Condition of the partial indexes; an upsert must name it literally, a prepared plan would not find the index."""


class Callback(Base):
    """One promise to phone a patient. At most one open per queue and number: who asks twice keeps the first place."""

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("uq_callbacks_open_queue_name_e164", "queue_name", "e164", unique=True, postgresql_where=IS_OPEN),
        Index("ix_callbacks_open_e164", "e164", postgresql_where=IS_OPEN),
        Index("ix_callbacks_open_next_attempt_at", "pbx", "next_attempt_at", postgresql_where=IS_OPEN),
        Index("ix_callbacks_queue_name_requested_at", "queue_name", "requested_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pbx: Mapped[str]
    queue_name: Mapped[str] = mapped_column(ForeignKey("queues.name"))
    app_queue: Mapped[str]
    """Asterisk's name of the queue: another where an agent complained of is left out (asterisk.queue_names)."""
    priority: Mapped[int] = mapped_column(BigInteger)
    """QUEUE_PRIO of the call in which it was asked for: the place that is kept."""
    e164: Mapped[str]
    requested_from: Mapped[str | None]
    """E.164 of the line it was asked for on, where that is known; limits how many one line may ask for."""
    patient_id: Mapped[UUID | None]
    """A hint, as in the call."""
    language: Mapped[str]
    did: Mapped[str]
    """The number that the patient had dialled: shown when we call."""
    call_id: Mapped[str | None]
    """The call in which it was asked for; None: a member of staff asked."""
    requested_by: Mapped[str | None]
    """The member of staff."""
    do_not_call_confirmed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether that member of staff knew that the number is on the do-not-call list."""
    state: Mapped[str]
    reason: Mapped[str | None]
    """Why it ended: the last attempt's outcome, ``served`` (the patient phoned again), who cancelled, or why it may
    not be dialled (callouts.policy.Refusal).
    """
    tries: Mapped[int] = mapped_column(default=0)
    """How often the patient was dialled."""
    next_attempt_at: Mapped[datetime]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class CallbackAttempt(Base):
    """One stay of a call-back in Asterisk's queue, and the dial that came of it. ``outcome`` None: not over."""

    __tablename__ = "callback_attempts"
    __table_args__ = (
        UniqueConstraint("callback_id", "number"),
        Index(
            "uq_callback_attempts_open_callback_id",
            "callback_id",
            unique=True,
            postgresql_where=text("outcome IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Id of its channel, and so of its call."""
    callback_id: Mapped[UUID] = mapped_column(ForeignKey("callbacks.id", ondelete="CASCADE"))
    number: Mapped[int]
    outcome: Mapped[str | None]
    """Words of docs/glossary.md, "outcome of an attempt"."""
    placed_at: Mapped[datetime]
    """When it was committed, before Asterisk heard of it."""
    claimed_at: Mapped[datetime | None]
    """An agent had answered and the dialplan was given the number, once."""
    dialled_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    agent_number: Mapped[str | None]
    dial_status: Mapped[str | None]
    """Asterisk's DIALSTATUS; None: the ledger does not tell of an end."""
    hangup_cause: Mapped[int | None]
    """Q.850."""


class CallbackRules(Base):
    """What a queue grants; without a row, :data:`callcenter.callbacks.policy.DEFAULT_RULES`."""

    __tablename__ = "callback_rules"

    queue_name: Mapped[str] = mapped_column(ForeignKey("queues.name", ondelete="CASCADE"), primary_key=True)
    active: Mapped[bool]
    expiry_seconds: Mapped[int]
    """How long after the request a patient is still called."""
    max_open: Mapped[int]
    """Open call-backs at once; who asks beyond them waits on the line."""
