"""Which queue a caller waits in, and how: by its hours, its overflow chain, and who knows the caller."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.queue_names import personal_queue, shadow_queue
from callcenter.calendar.policy import Opening
from callcenter.calendar.public_days import Place
from callcenter.calendar.service import get_opening
from callcenter.calls.service import find_last_agent
from callcenter.core.clock import Clock, now
from callcenter.core.db import Database
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.limits import limited
from callcenter.queues import queries
from callcenter.queues.models import Queue
from callcenter.queues.overflow import overflow_chain

log = structlog.get_logger(__name__)

DEFAULT_MAX_WAIT_SECONDS = 600
"""When nobody can be asked how long callers of a queue may wait."""


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """``queue``: ours. ``app_queue``: Asterisk's own for it, ``""`` for the same. ``own_queue``: the personal queue
    of the caller's last agent, tried before for ``own_seconds``; ``""``: none."""

    queue: str
    max_wait_seconds: int
    app_queue: str = ""
    own_queue: str = ""
    own_seconds: int = 0


@dataclass(frozen=True, slots=True)
class QueueClosed:
    """The queue takes nobody now."""

    opening: Opening


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who is to wait. ``patient_id``: only of a verified patient. ``against``: the agent complained of, or ``""``."""

    e164: str | None
    patient_id: UUID | None
    against: str = ""


class QueueGuide(Protocol):
    """No question fails: a caller reaches a person whatever is away."""

    async def plan(self, queue: str, waiter: Waiter) -> QueuePlan | QueueClosed | None:
        """Where to wait who was sent to ``queue``; None: no queue of the chain is to be had."""

    async def plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        """Where to go on waiting who left ``left`` unanswered; None: the chain is at its end."""


class DatabaseQueueGuide:
    """:class:`QueueGuide` in PostgreSQL. Away, the queue itself is the plan, and no chain goes on."""

    def __init__(self, database: Database, place: Place, clock: Clock = now) -> None:
        self._database = database
        self._place = place
        self._clock = clock

    async def plan(self, queue: str, waiter: Waiter) -> QueuePlan | QueueClosed | None:
        try:
            return await limited(self._plan(queue, waiter))
        except DatabaseAway as error:
            log.warning("queue_not_planned", queue=queue, reason=error.message)
            return QueuePlan(queue, DEFAULT_MAX_WAIT_SECONDS)

    async def plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        try:
            return await limited(self._plan_overflow(left, waiter))
        except DatabaseAway as error:
            log.warning("overflow_not_planned", queue=left, reason=error.message)
            return None

    async def _plan(self, name: str, waiter: Waiter) -> QueuePlan | QueueClosed | None:
        async with self._database.transaction() as session:
            queues = {queue.name: queue for queue in await queries.list_queues(session)}
            first = queues.get(name)
            if first is None:
                return None
            openings = Openings(session, self._clock(), self._place)
            if first.active:
                opening = await openings.of(first)
                if opening.state != "open":
                    return QueueClosed(opening)
            plan = await self._first_usable(session, openings, [queues[one] for one in _chain(queues, name)], waiter)
            return await self._with_last_agent(session, queues[plan.queue], plan, waiter) if plan else None

    async def _plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        async with self._database.transaction() as session:
            queues = {queue.name: queue for queue in await queries.list_queues(session)}
            openings = Openings(session, self._clock(), self._place)
            chain = [queues[one] for one in _chain(queues, left)[1:]]
            return await self._first_usable(session, openings, chain, waiter)

    async def _first_usable(
        self, session: AsyncSession, openings: "Openings", chain: list[Queue], waiter: Waiter
    ) -> QueuePlan | None:
        """The first of ``chain`` that is switched on, open, and does not offer the call to the agent it is against."""
        members = await queries.list_member_numbers(session) if waiter.against else {}
        for queue in chain:
            opening = await openings.of(queue)
            against_member = waiter.against in members.get(queue.name, ())
            if not queue.active or opening.state != "open":
                continue
            if against_member and not queue.excludes_complained_agent:
                continue
            shadow = shadow_queue(queue.name, waiter.against) if against_member else ""
            return QueuePlan(queue.name, queue.max_wait_seconds, app_queue=shadow)
        return None

    async def _with_last_agent(self, session: AsyncSession, queue: Queue, plan: QueuePlan, waiter: Waiter) -> QueuePlan:
        if not queue.last_agent_first:
            return plan
        since = self._clock() - timedelta(days=queue.last_agent_days)
        number = await find_last_agent(session, e164=waiter.e164, patient_id=waiter.patient_id, since=since)
        if number is None or number == waiter.against:
            return plan
        if await queries.find_free_member(session, queue.name, number) is None:
            return plan
        return QueuePlan(
            plan.queue,
            plan.max_wait_seconds,
            plan.app_queue,
            own_queue=personal_queue(number),
            own_seconds=queue.last_agent_seconds,
        )


class Openings:
    """Each schedule asked once: the queues of a chain often share one."""

    def __init__(self, session: AsyncSession, at: datetime, place: Place) -> None:
        self._session = session
        self._at = at
        self._place = place
        self._known: dict[str | None, Opening] = {}

    async def of(self, queue: Queue) -> Opening:
        """Whether the queue takes callers now."""
        name = queue.schedule_name
        if name not in self._known:
            self._known[name] = await get_opening(self._session, name, self._at, place=self._place)
        return self._known[name]


def _chain(queues: dict[str, Queue], name: str) -> list[str]:
    """``name`` and the queues after it, each once."""
    chain = overflow_chain({one.name: one.overflow_to for one in queues.values()}, name)
    return list(dict.fromkeys(chain))
