"""Which queue a caller waits in, and how: by its hours, its overflow chain, and who knows the caller."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from callcenter.asterisk.queue_names import personal_queue, shadow_queue
from callcenter.calendar.policy import Opening
from callcenter.calls.service import find_last_agent
from callcenter.core.clock import Clock, now
from callcenter.core.db import Database
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.hours import RecentOpenings
from callcenter.ivr.limits import limited
from callcenter.ivr.recent import Recent
from callcenter.queues import queries
from callcenter.queues.models import Queue
from callcenter.queues.overflow import overflow_chain
from callcenter.queues.recording_policies import RecordingRule, list_policies

log = structlog.get_logger(__name__)

DEFAULT_MAX_WAIT_SECONDS = 600
"""When nobody can be asked how long callers of a queue may wait."""

CLOSED_BY_SUPERVISOR = Opening("closure")


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """``queue``: ours. ``app_queue``: Asterisk's own for it, ``""`` for the same. ``own_queue``: the personal queue
    of the caller's last agent, tried before for ``own_seconds``; ``""``: none."""

    queue: str
    max_wait_seconds: int
    app_queue: str = ""
    own_queue: str = ""
    own_seconds: int = 0
    recording: RecordingRule | None = None
    """Of ``queue``; None: nothing is recorded."""


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

    def __init__(self, database: Database, openings: RecentOpenings, clock: Clock = now) -> None:
        self._database = database
        self._openings = openings
        self._clock = clock
        self._recent: Recent[dict[str, Queue]] = Recent()
        self._recent_rules: Recent[dict[str, RecordingRule]] = Recent()

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
        queues = await self._queues()
        first = queues.get(name)
        if first is None:
            return None
        if first.active and first.closed_at is not None:
            return QueueClosed(CLOSED_BY_SUPERVISOR)
        if first.active:
            opening = await self._openings.of(first.schedule_name)
            if opening.state != "open":
                return QueueClosed(opening)
        plan = await self._first_usable([queues[one] for one in _chain(queues, name)], waiter)
        return await self._with_last_agent(queues[plan.queue], plan, waiter) if plan else None

    async def _plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        queues = await self._queues()
        return await self._first_usable([queues[one] for one in _chain(queues, left)[1:]], waiter)

    async def _queues(self) -> dict[str, Queue]:
        """By name, as they were a moment ago."""
        return await self._recent.get("queues", self._list_queues)

    async def _list_queues(self) -> dict[str, Queue]:
        async with self._database.transaction() as session:
            return {queue.name: queue for queue in await queries.list_queues(session)}

    async def _first_usable(self, chain: list[Queue], waiter: Waiter) -> QueuePlan | None:
        """The first of ``chain`` that is switched on, open, and does not offer the call to the agent it is against."""
        members = await self._members() if waiter.against else {}
        for queue in chain:
            opening = await self._openings.of(queue.schedule_name)
            against_member = waiter.against in members.get(queue.name, ())
            if not queue.active or queue.closed_at is not None or opening.state != "open":
                continue
            if against_member and not queue.excludes_complained_agent:
                continue
            shadow = shadow_queue(queue.name, waiter.against) if against_member else ""
            rules = await self._recent_rules.get("recording", self._list_rules)
            return QueuePlan(queue.name, queue.max_wait_seconds, app_queue=shadow, recording=rules.get(queue.name))
        return None

    async def _list_rules(self) -> dict[str, RecordingRule]:
        async with self._database.transaction() as session:
            return {name: RecordingRule.of(policy) for name, policy in (await list_policies(session)).items()}

    async def _members(self) -> dict[str, list[str]]:
        async with self._database.transaction() as session:
            return await queries.list_member_numbers(session)

    async def _with_last_agent(self, queue: Queue, plan: QueuePlan, waiter: Waiter) -> QueuePlan:
        if not queue.last_agent_first:
            return plan
        since = self._clock() - timedelta(days=queue.last_agent_days)
        async with self._database.transaction() as session:
            number = await find_last_agent(session, e164=waiter.e164, patient_id=waiter.patient_id, since=since)
            if number is None or number == waiter.against:
                return plan
            if await queries.find_free_member(session, queue.name, number) is None:
                return plan
        return replace(plan, own_queue=personal_queue(number), own_seconds=queue.last_agent_seconds)


def _chain(queues: dict[str, Queue], name: str) -> list[str]:
    """``name`` and the queues after it, each once."""
    chain = overflow_chain({one.name: one.overflow_to for one in queues.values()}, name)
    return list(dict.fromkeys(chain))
