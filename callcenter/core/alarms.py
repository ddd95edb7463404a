"""Alarms: what somebody must look at. Raised once per ``key`` while open, kept with who acknowledged it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.db import Base

TOPIC = "alarms"
"""On the bus: ids of alarms that were raised, occurred again or were acknowledged."""


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


async def raise_alarm(
    session: AsyncSession, kind: str, *, key: str = "", severity: str = "warning", **details: Any
) -> None:
    """Raise an alarm, or count one more occurrence if the same is still open; announced on :data:`TOPIC`."""
    at = now()
    new = insert(Alarm).values(
        kind=kind, key=key, severity=severity, details=details, raised_at=at, last_at=at, occurrences=1
    )
    raised = await session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "key"],
            index_where=text("acknowledged_at IS NULL"),
            set_={"last_at": at, "occurrences": Alarm.occurrences + 1, "details": new.excluded.details},
        ).returning(Alarm.id)
    )
    await announce(session, TOPIC, [str(raised.scalar_one())])


async def was_raised(session: AsyncSession, kind: str, *, key: str = "") -> bool:
    """Whether this alarm was ever raised, acknowledged or not: for what is worth saying only once."""
    found = await session.scalar(select(Alarm.id).where(Alarm.kind == kind, Alarm.key == key).limit(1))
    return found is not None
