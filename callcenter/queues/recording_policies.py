"""Which conversations of a queue are recorded, how long that is kept, and whether callers are told."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.clock import now
from callcenter.core.db import Base
from callcenter.queues import service
from callcenter.queues.models import Queue


class RecordingMode(StrEnum):
    ALL = "all"
    NONE = "none"
    SHARE = "share"


class RecordingPolicy(Base):
    """A queue's rule, effective on the next call. Without one nothing is recorded."""

    __tablename__ = "recording_policies"

    queue_name: Mapped[str] = mapped_column(ForeignKey(Queue.name, ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str] = mapped_column(default=RecordingMode.NONE)
    share_percent: Mapped[int] = mapped_column(default=100)
    """For mode ``share``."""
    retention_days: Mapped[int | None]
    """None: the installation's (CALLCENTER_RECORDING_RETENTION_DAYS)."""
    notice: Mapped[bool] = mapped_column(default=True)
    """Whether callers hear, before they are connected, that they are recorded."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """What a flow must know of a policy. ``notice``: callers are told before."""

    mode: str
    share_percent: int
    notice: bool

    @classmethod
    def of(cls, policy: RecordingPolicy) -> "RecordingRule":
        return cls(policy.mode, policy.share_percent, policy.notice)

    def records(self, call_id: str) -> bool:
        """Whether this call is recorded. The draw is by its id: asked again the answer is the same, and of a larger
        share every call of the smaller one is part.
        """
        if self.mode == RecordingMode.SHARE:
            drawn = int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:4], "big")
            return drawn * 100 < self.share_percent << 32
        return self.mode == RecordingMode.ALL


async def list_policies(session: AsyncSession) -> dict[str, RecordingPolicy]:
    """By queue; one that is not there records nothing."""
    return {row.queue_name: row for row in await session.scalars(select(RecordingPolicy))}


async def get_policy(session: AsyncSession, queue_name: str) -> RecordingPolicy:
    """The queue's rule, or the one that holds without. Raises QueueNotFound."""
    await service.get_queue(session, queue_name)
    found = await session.get(RecordingPolicy, queue_name)
    return found or RecordingPolicy(
        queue_name=queue_name,
        mode=RecordingMode.NONE,
        share_percent=100,
        retention_days=None,
        notice=True,
    )


async def put_policy(
    session: AsyncSession, queue_name: str, values: dict[str, object], *, changed_by: str
) -> RecordingPolicy:
    """Create or change a queue's rule. Raises QueueNotFound."""
    await service.get_queue(session, queue_name)
    policy = await session.get(RecordingPolicy, queue_name)
    if policy is None:
        policy = RecordingPolicy(queue_name=queue_name)
        session.add(policy)
    for name, value in values.items():
        setattr(policy, name, value)
    policy.changed_at, policy.changed_by = now(), changed_by
    await session.flush()
    return policy
