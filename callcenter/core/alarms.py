"""Alarms: what somebody must look at. Raised once per ``key`` while open, kept with who acknowledged it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, String, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.db import Base

TOPIC = "alarms"
"""On the bus: ids of alarms that were raised, occurred again, were acknowledged or cleared."""


class Alarm(Base):
    """``kind`` is a stable word (``ledger_bad_line``); ``key`` tells one cause from another of that kind."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index("uq_alarms_open_kind_key", "kind", "key", unique=True, postgresql_where=text("acknowledged_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    severity: Mapped[str]
    """``info``, ``warning`` or ``critical``."""
    details: Mapped[dict[str, Any]]
    raised_at: Mapped[datetime]
    last_at: Mapped[datetime]
    occurrences: Mapped[int] = mapped_column(default=1)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    rule_id: Mapped[str | None]
    """The rule that raised it (supervision.alarm_rules); None: whoever saw it happen."""
    queues: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    """The queues it is about: supervisors of others are not shown it. None: it is about no queue."""
    cleared_at: Mapped[datetime | None]
    """When what it was about was over. What a rule raised is cleared by itself; what happened stays happened."""
    told_at: Mapped[datetime | None]
    """When it was looked up who is told of it."""


async def raise_alarm(
    session: AsyncSession,
    kind: str,
    *,
    key: str = "",
    severity: str = "warning",
    rule_id: str | None = None,
    queues: Collection[str] | None = None,
    **details: Any,
) -> int:
    """Raise an alarm, or count one more occurrence if nobody has acknowledged the last; announced on :data:`TOPIC`.

    Returns its id. One that was cleared meanwhile is open again.
    """
    at = now()
    new = insert(Alarm).values(
        kind=kind,
        key=key,
        severity=severity,
        details=details,
        raised_at=at,
        last_at=at,
        occurrences=1,
        rule_id=rule_id,
        queues=sorted(queues) if queues else None,
    )
    again = {
        "last_at": at,
        "occurrences": Alarm.occurrences + 1,
        "details": new.excluded.details,
        "severity": new.excluded.severity,
        "cleared_at": None,
    }
    raised = await session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "key"], index_where=text("acknowledged_at IS NULL"), set_=again
        ).returning(Alarm.id)
    )
    alarm_id = raised.scalar_one()
    await announce(session, TOPIC, [str(alarm_id)])
    return alarm_id


async def clear_alarm(session: AsyncSession, alarm_id: int, *, at: datetime) -> None:
    """What it was about is over; whether somebody has acknowledged it stays. Announced on :data:`TOPIC`."""
    await session.execute(update(Alarm).where(Alarm.id == alarm_id, Alarm.cleared_at.is_(None)).values(cleared_at=at))
    await announce(session, TOPIC, [str(alarm_id)])


async def was_raised(session: AsyncSession, kind: str, *, key: str = "") -> bool:
    """Whether this alarm was ever raised, acknowledged or not: for what is worth saying only once."""
    found = await session.scalar(select(Alarm.id).where(Alarm.kind == kind, Alarm.key == key).limit(1))
    return found is not None
