"""The database: one engine a process, one transaction an edge.

``async with database.transaction() as session`` at the edge (request, job, batch, AGI query): it commits when
the block ends well and rolls back otherwise. Services take the session and never commit.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

IDLE_IN_TRANSACTION_SECONDS = 5.0
"""Of a process that was frozen, or cut off, in the middle of a fenced transaction; its locks are free then."""


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
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=5,
            hide_parameters=True,  # an error's text may reach a log: it must not quote a patient
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 60,
                "server_settings": server_settings,
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: committed at the end of the block, rolled back if it raises."""
        async with self._sessions() as session, session.begin():
            if self._fence is None:
                yield session
                return
            self._fence()
            yield session
            await session.flush()
            self._fence()

    async def close(self) -> None:
        await self.engine.dispose()
