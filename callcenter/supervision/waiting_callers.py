"""A caller who waits is moved to another queue, or to the front of their own."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.supervisor_commands import BringToFront, MoveWaiting
from callcenter.callbacks.placing import is_attempt_id
from callcenter.core.bus import announce
from callcenter.queues import queries
from callcenter.queues import service as queues
from callcenter.queues.models import Queue, WaitingCaller
from callcenter.supervision.errors import (
    AlreadyInQueue,
    CallbackNotMovable,
    ComplainedAgentServes,
    QueueTakesNobody,
)
from callcenter.supervision.targets import KnownCall

HIGHEST_PRIORITY = 2_147_483_647


def move(caller: WaitingCaller, to: Queue) -> MoveWaiting:
    """Raises AlreadyInQueue, CallbackNotMovable, QueueTakesNobody (switched off, or closed by a supervisor)."""
    if caller.queue_name == to.name:
        raise AlreadyInQueue(queue=to.name)
    if is_attempt_id(caller.uniqueid):
        raise CallbackNotMovable(uniqueid=caller.uniqueid)
    if not to.active or to.closed_at is not None:
        raise QueueTakesNobody(queue=to.name)
    return MoveWaiting(uniqueid=caller.uniqueid, queue=to.name, max_wait_seconds=to.max_wait_seconds)


async def require_not_offered_to_complained(session: AsyncSession, call: KnownCall | None, to: Queue) -> None:
    """Who complains of an agent is not moved to where that agent would answer. Raises ComplainedAgentServes."""
    if call is None or call.about_agent_number is None or to.excludes_complained_agent:
        return
    members = (await queries.list_member_numbers(session)).get(to.name, ())
    if call.about_agent_number in members:
        raise ComplainedAgentServes(queue=to.name)


async def bring_to_front(session: AsyncSession, caller: WaitingCaller) -> BringToFront:
    """Before all who wait in the same queue. The board shows it at once; Asterisk's own word follows in seconds."""
    others = select(func.max(WaitingCaller.priority)).where(
        WaitingCaller.queue_name == caller.queue_name, WaitingCaller.uniqueid != caller.uniqueid
    )
    highest = await session.scalar(others)
    if highest is not None and caller.priority <= highest:
        caller.priority = min(highest + 1, HIGHEST_PRIORITY)
    await announce(session, queues.TOPIC, [caller.queue_name])
    return BringToFront(uniqueid=caller.uniqueid, priority=max(caller.priority, 1))
