"""Work orders (工单): what somebody in the hospital has to do about a call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base

COMPLAINT, MESSAGE = "complaint", "message"
SUGGESTION, COMPLIMENT, QUESTION, TASK = "suggestion", "compliment", "question", "task"
KINDS = (COMPLAINT, MESSAGE, SUGGESTION, COMPLIMENT, QUESTION, TASK)
FIRST_BY_PEOPLE = 1001
""":attr:`WorkOrder.occasion` of the first that people open on a call: the ledger's keep clear of it."""


class WorkOrder(Base):
    """Opened from the ledger so that none is lost, whoever ends the call or whatever dies."""

    __tablename__ = "work_orders"
    __table_args__ = (
        UniqueConstraint("kind", "call_id", "occasion"),
        Index("ix_work_orders_state_due_at", "state", "due_at"),
        Index("ix_work_orders_queue_name_number", "queue_name", "number"),
        Index("ix_work_orders_patient_id", "patient_id"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), primary_key=True)
    kind: Mapped[str]
    """``complaint`` and ``message`` come from the ledger too; the others only people open (KINDS)."""
    state: Mapped[str] = mapped_column(default="open")
    """``open``, ``taken`` by somebody, ``closed``."""
    call_id: Mapped[str]
    occasion: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Which of its kind on this call: of a message the number of its recording; from FIRST_BY_PEOPLE on, people's."""
    queue_name: Mapped[str | None]
    """Whose work it is; None: of those who handle complaints."""
    about_agent_number: Mapped[str | None]
    """The agent complained of, who does not see it."""
    caller_number: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    patient_set_by: Mapped[str | None]
    """Who said whom it concerns; None: it follows from the call, and with it changes."""
    recording_file: Mapped[str | None]
    category: Mapped[str | None]
    """A code of work_order_categories."""
    request: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """What is wanted, in the words of who opened it."""
    opened_by: Mapped[str | None]
    """None: the ledger."""
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """By kind: workorders.service.DUE_WITHIN."""
    note: Mapped[str] = mapped_column(default="")
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]


class WorkOrderCategory(Base):
    """What it is about, in the hospital's words: a tree, by ``parent``."""

    __tablename__ = "work_order_categories"

    code: Mapped[str] = mapped_column(primary_key=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("work_order_categories.code"))
    label_zh: Mapped[str]
    label_en: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
