"""One active holder at a time: a PostgreSQL advisory lock on a connection of its own, fenced on both sides.

The holder asks the database every second. PostgreSQL ends a lock's connection that has said nothing for
:data:`RELEASED_AFTER_SECONDS` (the holder is frozen, or cut off), and so gives the lock to the next. The holder itself
takes its lead for lost earlier, after :data:`TRUSTED_FOR_SECONDS` without an answer, by its own clock. A transaction
that asks :meth:`Leadership.require` as it begins and as it is about to commit, over a connection on which PostgreSQL
ends what stands idle in a transaction after core.db.IDLE_IN_TRANSACTION_SECONDS, is therefore never committed beside a
successor's: a holder that wakes up late finds its transaction gone or its lead lost.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog

from callcenter.core.bus import connect
from callcenter.core.db import CONNECTION_FAULTS
from callcenter.core.waiting import wait_at_most

log = structlog.get_logger(__name__)

TRUSTED_FOR_SECONDS = 8.0
RELEASED_AFTER_SECONDS = 10.0
"""More than the two before (core.db.IDLE_IN_TRANSACTION_SECONDS), or a frozen holder could commit beside the next."""
_RETRY_SECONDS = 1.0
_WATCH_SECONDS = 1.0


class LeadershipLost(Exception):
    """Somebody else may lead now. Stop acting at once."""


class Leadership:
    """Whether this process leads ``name``, as far as it can be sure; nobody else does while it can."""

    def __init__(self, database_url: str, name: str) -> None:
        self._database_url = database_url
        self._name = name
        self._sure_until = 0.0

    def require(self) -> None:
        """Raises LeadershipLost when this process does not lead, or cannot be sure of it."""
        if time.monotonic() >= self._sure_until:
            raise LeadershipLost(self._name)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[asyncio.Task[None]]:
        """Wait until this process alone leads; yields a task that ends with LeadershipLost if the lead is lost.

        A killed holder's place is free at once, a frozen or cut-off one's after :data:`RELEASED_AFTER_SECONDS`.
        """
        connection = await self._acquire()
        log.info("leadership_gained", name=self._name)
        watch = asyncio.create_task(self._watch(connection))
        try:
            yield watch
        finally:
            self._sure_until = 0.0
            watch.cancel()
            await asyncio.wait({watch})
            connection.terminate()

    async def _acquire(self) -> asyncpg.Connection:
        waiting = False
        while True:
            connection, leads = None, False
            try:
                connection = await connect(
                    self._database_url,
                    application_name=f"callcenter-{self._name}",
                    settings={"idle_session_timeout": f"{RELEASED_AFTER_SECONDS:g}s"},
                )
                asked_at = time.monotonic()
                leads = await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", self._name)
                if leads:
                    self._sure_until = asked_at + TRUSTED_FOR_SECONDS
                    return connection
                if not waiting:
                    log.info("leadership_waiting", name=self._name)
                waiting = True
            except CONNECTION_FAULTS as error:
                log.warning("leadership_unavailable", name=self._name, reason=type(error).__name__)
            finally:
                if connection is not None and not leads:  # also when cancelled: it may hold the lock
                    connection.terminate()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _watch(self, connection: asyncpg.Connection) -> None:
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _connection: gone.set())
        try:
            while not gone.is_set():
                asked_at = time.monotonic()
                await connection.execute("SELECT 1", timeout=TRUSTED_FOR_SECONDS - _WATCH_SECONDS)
                self._sure_until = asked_at + TRUSTED_FOR_SECONDS
                await wait_at_most(gone, _WATCH_SECONDS)
        except CONNECTION_FAULTS as error:
            raise self._lose(type(error).__name__) from error
        raise self._lose("connection closed")

    def _lose(self, reason: str) -> LeadershipLost:
        """Told at once: what the holder still has under way takes time to end, and commits nothing."""
        self._sure_until = 0.0
        log.warning("leadership_lost", name=self._name, reason=reason)
        return LeadershipLost(reason)
