"""What agents write down about calls, and what they are asked.

``call_id`` is the call's id as it was known when something was written: one of the linkedids of the call
(desk.own_calls.OwnCall.ids finds what was written under the others, after an attended transfer joined them).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class RevealReason(Base):
    """Why an agent may look at a patient whom nobody has verified; without rows, desk.reveals.DEFAULT_REASONS."""

    __tablename__ = "reveal_reasons"

    code: Mapped[str] = mapped_column(primary_key=True)
    label_zh: Mapped[str]
    label_en: Mapped[str]
    active: Mapped[bool]


class CallReveal(Base):
    """On this call this agent has stated a reason to see this patient."""

    __tablename__ = "call_reveals"
    __table_args__ = (Index("ix_call_reveals_revealed_at", "revealed_at"),)

    call_id: Mapped[str] = mapped_column(primary_key=True)
    agent_number: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    reason: Mapped[str]
    revealed_at: Mapped[datetime]


class CallPatient(Base):
    """Whom the call is about, as an agent has said: of several patients of the number, or one found by search."""

    __tablename__ = "call_patients"
    __table_args__ = (Index("ix_call_patients_chosen_at", "chosen_at"),)

    call_id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), index=True)
    chosen_at: Mapped[datetime]
    chosen_by: Mapped[str]


class CallNote(Base):
    """One version of the note on a call, which its agents share; the highest counts."""

    __tablename__ = "call_notes"
    __table_args__ = (
        UniqueConstraint("call_id", "version"),
        Index("ix_call_notes_written_at", "written_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_id: Mapped[str]
    version: Mapped[int]
    text: Mapped[str]
    written_at: Mapped[datetime]
    written_by: Mapped[str]
    agent_number: Mapped[str | None]


class DispositionForm(Base):
    """One version of what agents of a queue are asked after a call; the highest counts. ``fields``: desk.forms."""

    __tablename__ = "disposition_forms"

    queue_name: Mapped[str] = mapped_column(ForeignKey("queues.name", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fields: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class CallDisposition(Base):
    """What an agent says the call was about and how it ended: the answers to a version of a queue's form."""

    __tablename__ = "call_dispositions"
    __table_args__ = (
        UniqueConstraint("call_id", "agent_number"),
        Index("ix_call_dispositions_saved_at_id", "saved_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_id: Mapped[str]
    agent_number: Mapped[str]
    queue_name: Mapped[str]
    form_version: Mapped[int]
    answers: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str]
