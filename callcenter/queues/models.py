"""Queues, who serves them, who waits in them now, and the numbers that lead to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class Queue(Base):
    """One app_queue queue. All values are rendered into queues.conf and reloaded without dropping calls."""

    __tablename__ = "queues"

    name: Mapped[str] = mapped_column(primary_key=True)
    """``[a-z][a-z0-9_-]*``: it is Asterisk's name too."""
    label_zh: Mapped[str]
    label_en: Mapped[str]
    strategy: Mapped[str] = mapped_column(default="leastrecent")
    """app_queue's: ringall, leastrecent, fewestcalls, random, rrmemory, rrordered, linear, wrandom."""
    ring_seconds: Mapped[int] = mapped_column(default=15)
    retry_seconds: Mapped[int] = mapped_column(default=1)
    wrap_up_seconds: Mapped[int] = mapped_column(default=10)
    max_wait_seconds: Mapped[int] = mapped_column(default=600)
    capacity: Mapped[int] = mapped_column(default=0)
    """Callers who may wait at once; 0: no limit."""
    service_level_seconds: Mapped[int] = mapped_column(default=20)
    short_abandon_seconds: Mapped[int] = mapped_column(default=5)
    announce_position: Mapped[bool] = mapped_column(default=True)
    announce_every_seconds: Mapped[int] = mapped_column(default=30)
    active: Mapped[bool] = mapped_column(default=True)


class QueueMembership(Base):
    """An agent's place in a queue; lower ``penalty`` is rung first."""

    __tablename__ = "queue_memberships"

    queue_name: Mapped[str] = mapped_column(ForeignKey("queues.name", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True, index=True)
    penalty: Mapped[int] = mapped_column(default=0)


class Did(Base):
    """A number the telephone network sends to us, and where its callers go when nothing of ours answers."""

    __tablename__ = "dids"

    number: Mapped[str] = mapped_column(primary_key=True)
    label_zh: Mapped[str]
    label_en: Mapped[str]
    fallback_queue: Mapped[str] = mapped_column(ForeignKey("queues.name"))
    language: Mapped[str] = mapped_column(default="zh")


class WaitingCaller(Base):
    """Live: who waits now, from AMI events and QueueStatus; never counted (the record is queue_visits)."""

    __tablename__ = "waiting_callers"

    uniqueid: Mapped[str] = mapped_column(primary_key=True)
    queue_name: Mapped[str] = mapped_column(index=True)
    pbx: Mapped[str]
    caller_number: Mapped[str | None]
    position: Mapped[int]
    priority: Mapped[int] = mapped_column(BigInteger, default=0)
    joined_at: Mapped[datetime]
