"""A running call waits for the database one second at most, whatever state the database is in."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from callcenter.ivr.errors import DatabaseAway

QUERY_LIMIT_SECONDS = 1.0

_AWAY = (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
_abandoned: set[asyncio.Task[Any]] = set()

T = TypeVar("T")


async def limited(query: Coroutine[Any, Any, T]) -> T:
    """The result of ``query``. Raises :class:`DatabaseAway` when it fails or takes longer than the limit.

    The query runs as a task of its own that is left to its fate after the limit: the roll-back on a frozen
    connection may itself take long. The error names only its type: a query's parameters are a patient's data.
    """
    task = asyncio.create_task(query)
    try:
        done, _ = await asyncio.wait({task}, timeout=QUERY_LIMIT_SECONDS)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if not done:
        _abandon(task)
        raise DatabaseAway("no answer within the limit")
    try:
        return task.result()
    except _AWAY as error:
        raise DatabaseAway(type(error).__name__) from None


def _abandon(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that it is not reported as forgotten
