"""Work orders (工单): what somebody in the hospital has to do about a call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class WorkOrder(Base):
    """For now: complaints, opened from the ledger so that none is lost, whoever ends the call or whatever dies."""

    __tablename__ = "work_orders"
    __table_args__ = (
        UniqueConstraint("kind", "call_id"),
        Index("ix_work_orders_state_due_at", "state", "due_at"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), primary_key=True)
    kind: Mapped[str]
    """``complaint``."""
    state: Mapped[str] = mapped_column(default="open")
    """``open`` or ``closed``."""
    call_id: Mapped[str]
    caller_number: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    patient_set_by: Mapped[str | None]
    """Who said whom it concerns; None: it follows from the call, and with it changes."""
    recording_file: Mapped[str | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """Seven days after opening; working days come with the calendar."""
    note: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
