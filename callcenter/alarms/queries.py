"""All SQL of reading and acknowledging alarms; raising one: callcenter.core.alarms."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.alarms import Alarm


async def list_alarms(
    session: AsyncSession,
    *,
    acknowledged: bool | None,
    kind: str | None,
    severity: str | None,
    after: int | None,
    limit: int,
) -> Sequence[Alarm]:
    """At most ``limit + 1``, newest first."""
    query = select(Alarm)
    if acknowledged is not None:
        query = query.where(Alarm.acknowledged_at.is_not(None) if acknowledged else Alarm.acknowledged_at.is_(None))
    if kind is not None:
        query = query.where(Alarm.kind == kind)
    if severity is not None:
        query = query.where(Alarm.severity == severity)
    if after is not None:
        query = query.where(Alarm.id < after)
    return (await session.scalars(query.order_by(Alarm.id.desc()).limit(limit + 1))).all()


async def lock_alarm(session: AsyncSession, alarm_id: int) -> Alarm | None:
    return (await session.scalars(select(Alarm).where(Alarm.id == alarm_id).with_for_update())).one_or_none()
