"""What supervisors have asked for that outlasts the request: whom they listen to, and who serves a queue for today."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.agents.models import Agent
from callcenter.core.db import Base
from callcenter.queues.models import Queue


class Mode(StrEnum):
    """``listen``: heard by nobody; ``whisper``: by the agent alone; ``barge``: by agent and caller."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class Listening(Base):
    """A supervisor's telephone on an agent's conversation."""

    __tablename__ = "listenings"
    __table_args__ = (
        Index("uq_listenings_open_user_id", "user_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_listenings_open", "agent_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Of the telephone's channel; made before Asterisk hears of it (callcenter.asterisk.supervisor_commands)."""
    user_id: Mapped[UUID]
    user_name: Mapped[str]
    seat_name: Mapped[str]
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    agent_number: Mapped[str]
    call_id: Mapped[str]
    """As the live events of the agent name the conversation."""
    mode: Mapped[str]
    """As asked for through the API; keys 4, 5 and 6 of the telephone change it unseen."""
    requested_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class DayMembership(Base):
    """An agent was put into a queue, or taken out of it, until ``until_at``; then it is as it was before."""

    __tablename__ = "day_memberships"
    __table_args__ = (Index("ix_day_memberships_until_at", "until_at"),)

    agent_id: Mapped[UUID] = mapped_column(ForeignKey(Agent.id, ondelete="CASCADE"), primary_key=True)
    queue_name: Mapped[str] = mapped_column(ForeignKey(Queue.name, ondelete="CASCADE"), primary_key=True)
    penalty_before: Mapped[int | None]
    """None: was no member."""
    penalty: Mapped[int | None]
    """None: is none until then. If it is changed meanwhile by anybody else, that stays."""
    until_at: Mapped[datetime]
    changed_by: Mapped[str]
