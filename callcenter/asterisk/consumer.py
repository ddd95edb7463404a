"""Events at speed: the AMI callback only enqueues; one consumer writes them in batches, in order."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.errors import EventMalformed
from callcenter.asterisk.events import Event, parse_event
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError

log = structlog.get_logger(__name__)

Handler = Callable[[Any, AsyncSession], Awaitable[None]]

QUEUE_LIMIT = 50_000
BATCH_LIMIT = 500
BATCH_SECONDS = 0.05


class EventConsumer:
    """``handlers``: event class -> coroutine. ``on_overflow`` is called when events had to be dropped: what was
    lost is corrected by a snapshot."""

    def __init__(
        self, database: Database, handlers: Mapping[type[Event], Handler], on_overflow: Callable[[], None]
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._on_overflow = on_overflow
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LIMIT)

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
            log.error("events_dropped", waiting=self._queue.qsize())
            self._on_overflow()

    async def run(self) -> None:
        """Until cancelled: a batch every 50 ms at most, each in one transaction."""
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(BATCH_SECONDS)
            while len(batch) < BATCH_LIMIT and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._handle(batch)

    async def _handle(self, batch: list[Event]) -> None:
        try:
            await self._handle_in_one_transaction(batch)
        except (CallcenterError, DBAPIError, ValueError) as error:
            if len(batch) == 1:
                log.error("event_failed", kind=type(batch[0]).__name__, reason=str(error)[:300])
                return
            # one bad event must not take the others with it
            for event in batch:
                await self._handle([event])

    async def _handle_in_one_transaction(self, batch: list[Event]) -> None:
        async with self._database.transaction() as session:
            for event in batch:
                await self._handlers[type(event)](event, session)
