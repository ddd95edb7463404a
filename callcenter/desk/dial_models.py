"""Numbers that agents want dialled: until the dialplan has asked for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class AgentDial(Base):
    """One wish to dial; the number leaves the database at most once. ``id``: a channel's id where the dial is a call of
    its own, and what the dialplan asks with in any case."""

    __tablename__ = "agent_dials"

    id: Mapped[str] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    asked_by: Mapped[str]
    """Log-in name, as callouts count it."""
    e164: Mapped[str]
    did: Mapped[str]
    """Our number that the other side is shown."""
    queue_name: Mapped[str]
    """Where the other side goes if a transfer of the call reaches nobody."""
    patient_id: Mapped[UUID | None]
    requested_at: Mapped[datetime] = mapped_column(index=True)
    claimed_at: Mapped[datetime | None]
    refusal: Mapped[str | None]
    """Why it was not dialled after all (callouts.policy.Refusal)."""
