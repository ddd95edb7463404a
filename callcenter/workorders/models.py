"""Work orders (工单): what somebody in the hospital has to do about a call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base

COMPLAINT, MESSAGE = "complaint", "message"


class WorkOrder(Base):
    """Opened from the ledger so that none is lost, whoever ends the call or whatever dies."""

    __tablename__ = "work_orders"
    __table_args__ = (
        UniqueConstraint("kind", "call_id", "occasion"),
        Index("ix_work_orders_state_due_at", "state", "due_at"),
        Index("ix_work_orders_queue_name_number", "queue_name", "number"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), primary_key=True)
    kind: Mapped[str]
    """``complaint`` or ``message``."""
    state: Mapped[str] = mapped_column(default="open")
    """``open``, ``taken`` by somebody, ``closed``."""
    call_id: Mapped[str]
    occasion: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Which of its kind on this call: of a message the number of its recording, else 1."""
    queue_name: Mapped[str | None]
    """Whose work it is; None: of those who handle complaints."""
    about_agent_number: Mapped[str | None]
    """The agent complained of, who does not see it."""
    caller_number: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    patient_set_by: Mapped[str | None]
    """Who said whom it concerns; None: it follows from the call, and with it changes."""
    recording_file: Mapped[str | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """By kind: workorders.service.DUE_WITHIN."""
    note: Mapped[str] = mapped_column(default="")
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
