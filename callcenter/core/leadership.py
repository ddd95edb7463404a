"""One active holder at a time: a PostgreSQL advisory lock on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog

from callcenter.core.bus import connect

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 1.0
_WATCH_SECONDS = 1.0
_WATCH_TIMEOUT_SECONDS = 5.0


class LeadershipLost(Exception):
    """The lock's connection is gone: somebody else may lead now. Stop acting at once."""


@asynccontextmanager
async def leadership(database_url: str, name: str) -> AsyncIterator[asyncio.Task[None]]:
    """Wait until this process alone holds ``name``; yields a task that ends with LeadershipLost if it is lost.

    The lock goes with its connection: a killed holder frees it at once, a frozen one when PostgreSQL notices.
    """
    connection = await _acquire(database_url, name)
    log.info("leadership_gained", name=name)
    watch = asyncio.create_task(_watch(connection))
    try:
        yield watch
    finally:
        watch.cancel()
        await asyncio.wait({watch})
        connection.terminate()


async def _acquire(database_url: str, name: str) -> asyncpg.Connection:
    waiting = False
    while True:
        connection, leads = None, False
        try:
            connection = await connect(database_url, application_name=f"callcenter-{name}")
            leads = await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name)
            if leads:
                return connection
            if not waiting:
                log.info("leadership_waiting", name=name)
            waiting = True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            log.warning("leadership_unavailable", name=name, reason=type(error).__name__)
        finally:
            if connection is not None and not leads:  # also when cancelled: it may hold the lock
                connection.terminate()
        await asyncio.sleep(_RETRY_SECONDS)


async def _watch(connection: asyncpg.Connection) -> None:
    try:
        while True:
            await connection.execute("SELECT 1", timeout=_WATCH_TIMEOUT_SECONDS)
            await asyncio.sleep(_WATCH_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise LeadershipLost(type(error).__name__) from error
