"""All SQL of reading and acknowledging alarms; raising one: callcenter.core.alarms."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.alarms.models import AlarmRule
from callcenter.core.alarms import Alarm

_STATES: dict[str, ColumnElement[bool]] = {
    "open": and_(Alarm.acknowledged_at.is_(None), Alarm.cleared_at.is_(None)),
    "acknowledged": and_(Alarm.acknowledged_at.is_not(None), Alarm.cleared_at.is_(None)),
    "cleared": Alarm.cleared_at.is_not(None),
}
"""Each alarm is in exactly one."""


async def list_alarms(
    session: AsyncSession,
    *,
    state: str | None,
    kind: str | None,
    severity: str | None,
    scope: Collection[str] | None,
    after: int | None,
    limit: int,
) -> Sequence[Alarm]:
    """At most ``limit + 1``, newest first. ``scope``: not those that are only about other queues; None: all."""
    query = select(Alarm)
    if state is not None:
        query = query.where(_STATES[state])
    if scope is not None:
        query = query.where(or_(Alarm.queues.is_(None), Alarm.queues.overlap(list(scope))))
    if kind is not None:
        query = query.where(Alarm.kind == kind)
    if severity is not None:
        query = query.where(Alarm.severity == severity)
    if after is not None:
        query = query.where(Alarm.id < after)
    return (await session.scalars(query.order_by(Alarm.id.desc()).limit(limit + 1))).all()


async def lock_alarm(session: AsyncSession, alarm_id: int) -> Alarm | None:
    return (await session.scalars(select(Alarm).where(Alarm.id == alarm_id).with_for_update())).one_or_none()


async def list_rules(session: AsyncSession, rule_ids: Collection[str]) -> Sequence[AlarmRule]:
    return (await session.scalars(select(AlarmRule).where(AlarmRule.id.in_(rule_ids)))).all()
