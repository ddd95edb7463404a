"""The database: one engine a process, one transaction an edge.

``async with database.transaction() as session`` at the edge (request, job, batch, AGI query): it commits when
the block ends well and rolls back otherwise. Services take the session and never commit.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import orjson
from sqlalchemy import DateTime, MetaData, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

IDLE_IN_TRANSACTION_SECONDS = 5.0
"""Of a process that was frozen, or cut off, in the middle of a fenced transaction; its locks are free then."""
FENCED_TRANSACTION_SECONDS = 20.0
"""At most, for the process that was frozen in the middle of a statement, which PostgreSQL does not call idle. Since
PostgreSQL 17."""

PREPARED_STATEMENTS = 250
"""Kept by each connection: more than the service has, or the engine's rarest would be planned anew each time."""

CLOSE_SECONDS = 5.0
"""A frozen database does not say good-bye; whoever stops the service does not wait for it."""

CONNECTION_FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a connection of asyncpg's own raises when the database is away, time-outs among them. The last one: the server
ended the connection while an answer was on its way."""

_PASSING_SQLSTATES = frozenset({"08", "40", "53", "57", "58"})
"""PostgreSQL, appendix A: connection, serialization and deadlock, resources (disk full, no connection left), operator
intervention, I/O. Others are about the data, or our code."""

_abandoned: set[asyncio.Task[Any]] = set()

T = TypeVar("T")


def is_passing(error: DBAPIError | asyncpg.PostgresError) -> bool:
    """Whether the same work may do later: the database is away, short of something, or was in somebody's way."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _class_of(error.orig) in _PASSING_SQLSTATES
    return _class_of(error) in _PASSING_SQLSTATES


def _class_of(error: object) -> str:
    return str(getattr(error, "sqlstate", None) or "")[:2]


class Base(DeclarativeBase):
    """Root of all tables. ``datetime`` columns are timestamptz, ``dict`` columns jsonb."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


class Database:
    """An engine and its sessions. ``url`` as SQLAlchemy writes it (``postgresql+asyncpg://...``).

    ``fence``: raises when this process may not write (any more); asked as a transaction begins and again just before
    it commits. Over such a database PostgreSQL ends what stands idle in a transaction (see core.leadership).
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        application_name: str = "callcenter",
        fence: Callable[[], None] | None = None,
    ) -> None:
        self.url = url
        self._fence = fence
        server_settings = {"application_name": application_name, "timezone": "UTC"}
        if fence is not None:
            server_settings["idle_in_transaction_session_timeout"] = f"{IDLE_IN_TRANSACTION_SECONDS:g}s"
            server_settings["transaction_timeout"] = f"{FENCED_TRANSACTION_SECONDS:g}s"
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            hide_parameters=True,  # an error's text may reach a log: it must not quote a patient
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 60,
                "prepared_statement_cache_size": PREPARED_STATEMENTS,
                "server_settings": server_settings,
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: committed at the end of the block, rolled back if it raises.

        A task that is cancelled meanwhile ends as such, though its roll-back fails: whoever tries again after a fault
        of the database would otherwise take the cancellation for one, and never end.
        """
        task = asyncio.current_task()
        # one that was dealt with may still be counted: a TaskGroup of Python 3.11 leaves its own
        cancelled_before = task.cancelling() if task is not None else 0
        try:
            async with self._sessions() as session:
                try:
                    if self._fence is not None:
                        self._fence()
                    await _connect(session)
                    yield session
                    if self._fence is not None:
                        await session.flush()
                        self._fence()
                    await session.commit()
                except (asyncio.CancelledError, TimeoutError):
                    await session.invalidate()  # a roll-back over a silent connection would take a minute
                    raise
        except Exception as error:
            if task is not None and task.cancelling() > cancelled_before:
                raise asyncio.CancelledError from error
            raise

    async def connected_session(self, within_seconds: float) -> AsyncSession:
        """A session over a connection that has just answered; the caller commits and closes it.

        Raises TimeoutError when there is none in time, and whatever connecting raises.
        """
        session = self._sessions()

        async def connect() -> None:
            try:
                await _connect(session)
                await session.execute(text("SELECT 1"))  # one of the pool may lead to a server that froze meanwhile
            except BaseException:
                await session.invalidate()  # to hand it back in order would wait for the same server
                raise

        await answer_within(within_seconds, connect())
        return session

    async def close(self) -> None:
        """In order, or after :data:`CLOSE_SECONDS` by leaving the connections to the end of the process."""
        with suppress(TimeoutError):
            await answer_within(CLOSE_SECONDS, self.engine.dispose())


def _refuse_closed(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """What the server has ended meanwhile is replaced before it is used.

    Instead of the pool's ping, which costs three round trips a transaction and hangs on a silent link as the first
    query would.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has ended this connection")


async def _connect(session: AsyncSession) -> None:
    """A connection now, not with the first query: so an outage is known from a fault of our own.

    Raises ConnectionError when the server ends each connection at once (it restarts, it throws everybody out), which
    SQLAlchemy calls an invalid request; and whatever connecting raises.
    """
    try:
        await session.connection()
    except InvalidRequestError as error:
        raise ConnectionError("the database ends its connections") from error


async def answer_within(seconds: float, query: Coroutine[Any, Any, T]) -> T:
    """The result of ``query``, or TimeoutError after ``seconds``, whatever state the database is in.

    The query runs as a task of its own that is left to its fate after the limit: the roll-back on a frozen connection
    may itself take long.
    """
    task = asyncio.create_task(query)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if not done:
        _abandon(task)
        raise TimeoutError("no answer within the limit")
    return task.result()


def _abandon(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that it is not reported as forgotten
