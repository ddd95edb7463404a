"""Alarms for people: what is open, and who has seen it."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.alarms import queries
from callcenter.alarms.errors import AlarmNotFound
from callcenter.core.alarms import TOPIC, Alarm
from callcenter.core.audit import Actor, record_audit
from callcenter.core.bus import announce
from callcenter.core.clock import now


async def acknowledge(session: AsyncSession, actor: Actor, alarm_id: int) -> Alarm:
    """The actor has seen it; who was first stays. The same cause may raise a new one from now on.

    Raises AlarmNotFound.
    """
    alarm = await queries.lock_alarm(session, alarm_id)
    if alarm is None:
        raise AlarmNotFound(alarm_id=alarm_id)
    if alarm.acknowledged_at is None:
        alarm.acknowledged_at, alarm.acknowledged_by = now(), actor.name
        record_audit(session, actor, "alarms.acknowledge", subject_id=str(alarm_id), kind=alarm.kind)
        await announce(session, TOPIC, [str(alarm_id)])
    return alarm
