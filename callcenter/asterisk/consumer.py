"""Events at speed: the AMI callback only enqueues; one consumer writes them in batches, in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.errors import EventMalformed
from callcenter.asterisk.events import Event, parse_event
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.core.jobs import is_world_fault

log = structlog.get_logger(__name__)

_WAITING = Gauge("callcenter_events_waiting", "Events of Asterisk not yet handled, at the last batch.")
_DROPPED = Counter("callcenter_events_dropped", "Events that found no room; a snapshot corrects what they told.")

Handler = Callable[[Any, AsyncSession], Awaitable[None]]
Around = Callable[[Sequence[Event], AsyncSession], AbstractAsyncContextManager[None]]
"""Surrounds the handling of a batch: reads before, and writes after it, at once what its events would one by one."""

QUEUE_LIMIT = 50_000
BATCH_LIMIT = 500
BATCH_SECONDS = 0.1
"""From the begin of a batch to that of the next, at least: a transaction costs more than the events in it. What comes
after a quiet time is handled at once."""


@asynccontextmanager
async def _nothing_around(_events: Sequence[Event], _session: AsyncSession) -> AsyncIterator[None]:
    yield


class EventConsumer:
    """``handlers``: event class -> coroutine. ``on_overflow`` is called when events had to be dropped and what was
    kept is handled: a snapshot then corrects what was lost, and no older event comes after it."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[type[Event], Handler],
        on_overflow: Callable[[], None],
        *,
        around: Around = _nothing_around,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._on_overflow = on_overflow
        self._around = around
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LIMIT)
        self._batch: list[Event] = []
        self._begun_at = -BATCH_SECONDS
        """By the loop's clock: when the last batch was."""
        self._dropped = 0

    def put(self, headers: Mapping[str, str]) -> None:
        """The AMI session's ``on_event``: parse, enqueue, return."""
        try:
            event = parse_event(headers)
        except EventMalformed as error:
            log.warning("event_malformed", reason=error.message)
            return
        if event is None or type(event) not in self._handlers:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            if not self._dropped:
                log.error("events_dropped", waiting=self._queue.qsize())
            self._dropped += 1
            _DROPPED.inc()

    @property
    def has_lost_events(self) -> bool:
        """Since the last time ``on_overflow`` was told."""
        return self._dropped > 0

    async def run(self) -> None:
        """Until cancelled: a batch each 100 ms at most, in one transaction.

        A database that is away interrupts it (see core.jobs.is_world_fault); called again, it goes on with the batch
        that was not written. After a cancellation it begins anew: whoever leads next begins with a snapshot.
        """
        try:
            while True:
                await self._fill_batch()
                await self._handle_batch()
                if self._dropped and self._queue.empty():
                    log.error("events_lost", count=self._dropped)
                    self._dropped = 0
                    self._on_overflow()
        except asyncio.CancelledError:
            self._batch, self._queue = [], asyncio.Queue(QUEUE_LIMIT)
            raise

    async def _fill_batch(self) -> None:
        if self._batch:
            return
        self._batch = [await self._queue.get()]
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self._begun_at + BATCH_SECONDS - clock())
        self._begun_at = clock()
        while len(self._batch) < BATCH_LIMIT and not self._queue.empty():
            self._batch.append(self._queue.get_nowait())
        _WAITING.set(self._queue.qsize())

    async def _handle_batch(self) -> None:
        try:
            await self._handle(self._batch)
        except Exception as error:
            if is_world_fault(error):
                raise
            # one bad event must not take the others with it
            while self._batch:
                await self._handle_alone(self._batch[0])
                del self._batch[0]
        self._batch = []

    async def _handle_alone(self, event: Event) -> None:
        try:
            await self._handle([event])
        except Exception as error:
            if is_world_fault(error):
                raise
            stack = not isinstance(error, CallcenterError | DBAPIError | ValueError)
            log.error("event_failed", kind=type(event).__name__, reason=str(error)[:300], exc_info=stack)

    async def _handle(self, events: list[Event]) -> None:
        async with self._database.transaction() as session, self._around(events, session):
            for event in events:
                await self._handlers[type(event)](event, session)
