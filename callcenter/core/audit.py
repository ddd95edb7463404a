"""Who read or changed what, when, from where: one row per look at patient data, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.clock import now
from callcenter.core.db import Base


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks. ``kind``: user, api_key, phone (a feature code), system. ``name`` is a log-in or key name."""

    kind: str
    id: str
    name: str
    source: str = ""
    """IP address of the request, or the PBX channel's seat."""


SYSTEM = Actor(kind="system", id="system", name="system")


class AuditEntry(Base):
    """Append-only. ``details`` hold ids and field names, never health data or codes."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_at", "at"),
        Index("ix_audit_entries_patient_id_at", "patient_id", "at"),
        Index("ix_audit_entries_actor_id_at", "actor_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    source: Mapped[str]
    action: Mapped[str]
    """``<domain>.<verb>``: ``patients.read``, ``agents.force_pause``."""
    subject_id: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]]


def record_audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    *,
    subject_id: str | None = None,
    patient_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add one entry to the caller's transaction: what is not committed was not seen or changed."""
    session.add(
        AuditEntry(
            at=now(),
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            source=actor.source,
            action=action,
            subject_id=subject_id,
            patient_id=patient_id,
            details=details,
        )
    )
