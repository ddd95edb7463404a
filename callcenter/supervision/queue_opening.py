"""A supervisor closes a queue to new callers, or opens it again: for the flow it is outside its hours meanwhile."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.queues.errors import QueueNotFound
from callcenter.queues.models import Queue
from callcenter.supervision.board_keeper import TOPIC


async def set_open(session: AsyncSession, name: str, *, is_open: bool, actor_name: str) -> Queue:
    """Effective on the next call. Who closed it first stays. Raises QueueNotFound."""
    queue = await session.get(Queue, name, with_for_update=True)
    if queue is None:
        raise QueueNotFound(queue=name)
    if is_open:
        queue.closed_at = queue.closed_by = None
    elif queue.closed_at is None:
        queue.closed_at, queue.closed_by = now(), actor_name
    await announce(session, TOPIC, [name])
    return queue
