"""Queues, who serves them, who waits in them now, and the numbers that lead to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.calendar.models import Schedule
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
    announce_wait: Mapped[bool] = mapped_column(default=True)
    """The expected wait is said once, at the first announcement: app_queue's estimate would rise again later."""
    comfort_prompts: Mapped[list[str]] = mapped_column(ARRAY(String), default=lambda: ["queue_comfort"])
    """Played in turn while callers wait; prompt ids, so each is there in both languages."""
    comfort_every_seconds: Mapped[int] = mapped_column(default=45)
    """0: never."""
    schedule_name: Mapped[str | None] = mapped_column(ForeignKey(Schedule.name))
    """When it takes callers (calendar); None: always."""
    overflow_to: Mapped[str | None] = mapped_column(ForeignKey("queues.name"))
    """Where a caller goes on waiting, at the same priority, when this queue is full, over or empty. No cycles."""
    exit_keys: Mapped[str] = mapped_column(default="")
    """Digits by which a waiting caller leaves: the flow says where each leads."""
    last_agent_first: Mapped[bool] = mapped_column(default=False)
    """Whether who last talked with the caller is tried first, for ``last_agent_seconds``."""
    last_agent_seconds: Mapped[int] = mapped_column(default=8)
    last_agent_days: Mapped[int] = mapped_column(default=90)
    """An older conversation does not count."""
    excludes_complained_agent: Mapped[bool] = mapped_column(default=False)
    """Whether an agent complained of on a call is not offered that call."""
    max_missed_calls: Mapped[int] = mapped_column(default=3, server_default=text("3"))
    """An agent who lets so many calls in a row ring out is paused; of several queues the strictest. 0: never."""
    skill: Mapped[str | None]
    """The skill that its callers need: the better at it, the earlier an agent is rung."""
    active: Mapped[bool] = mapped_column(default=True)
    closed_at: Mapped[datetime | None]
    """Since when a supervisor has it closed: new callers are not sent there, who waits is served. None: open."""
    closed_by: Mapped[str | None]


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
    priority: Mapped[int] = mapped_column(BigInteger, default=0)
    """QUEUE_PRIO: the highest is served first, among equals who joined first."""
    joined_at: Mapped[datetime]
