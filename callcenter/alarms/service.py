"""Alarms for people: what is open, and who has seen it."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.alarms import queries
from callcenter.alarms.errors import AlarmNotFound
from callcenter.alarms.models import AlarmRule
from callcenter.core.alarms import TOPIC, Alarm
from callcenter.core.audit import record_audit
from callcenter.core.bus import announce
from callcenter.core.clock import now


def is_visible(access: Access, alarm: Alarm) -> bool:
    """Whether it concerns a queue that the asker steers, or no queue at all."""
    return alarm.queues is None or any(access.covers_queue(queue) for queue in alarm.queues)


def is_for(access: Access, alarm: Alarm, rule: AlarmRule | None) -> bool:
    """Whether the asker's console draws attention to it: that of all who may see it, unless the rule names some."""
    if alarm.rule_id is None or rule is None or not (rule.tell_roles or rule.tell_users):
        return True
    return access.actor.name in rule.tell_users or any(role.value in rule.tell_roles for role in access.roles)


async def get_alarm(session: AsyncSession, access: Access, alarm_id: int) -> Alarm:
    """Locked. Raises AlarmNotFound, also for one that is only about queues of others."""
    alarm = await queries.lock_alarm(session, alarm_id)
    if alarm is None or not is_visible(access, alarm):
        raise AlarmNotFound(alarm_id=alarm_id)
    return alarm


async def acknowledge(session: AsyncSession, access: Access, alarm_id: int) -> Alarm:
    """The asker has seen it; who was first stays. The same cause may raise a new one from now on.

    Raises AlarmNotFound.
    """
    actor = access.actor
    alarm = await get_alarm(session, access, alarm_id)
    if alarm.acknowledged_at is None:
        alarm.acknowledged_at, alarm.acknowledged_by = now(), actor.name
        record_audit(session, actor, "alarms.acknowledge", subject_id=str(alarm_id), kind=alarm.kind)
        await announce(session, TOPIC, [str(alarm_id)])
    return alarm
