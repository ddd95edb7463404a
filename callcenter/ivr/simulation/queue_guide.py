"""Queues without a database."""

from collections.abc import Collection, Mapping

from callcenter.calendar.policy import Opening
from callcenter.ivr.queue_guide import DEFAULT_MAX_WAIT_SECONDS, QueueClosed, QueuePlan, Waiter


class SimulatedQueueGuide:
    """Every queue is there and open. ``overflows``: queue to the next of its chain; ``closed``: outside its hours."""

    def __init__(self, overflows: Mapping[str, str] | None = None, closed: Collection[str] = ()) -> None:
        self._overflows = overflows or {}
        self._closed = closed

    async def plan(self, queue: str, waiter: Waiter) -> QueuePlan | QueueClosed | None:
        if queue in self._closed:
            return QueueClosed(Opening("outside_hours"))
        return QueuePlan(queue, DEFAULT_MAX_WAIT_SECONDS)

    async def plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        target = self._overflows.get(left)
        return QueuePlan(target, DEFAULT_MAX_WAIT_SECONDS) if target else None
