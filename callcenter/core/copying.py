"""Many rows brought into a table at once by PostgreSQL's COPY, inside the session's transaction.

This is the driver's own connection, since SQLAlchemy has no COPY: what is wrong raises asyncpg.PostgresError, not
SQLAlchemy's errors.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    """The driver's own connection, for what is asked so often that SQLAlchemy's share of the time matters.

    The session must have begun its transaction (any statement through it). Raises asyncpg's errors, not SQLAlchemy's.
    """
    pooled = await (await session.connection()).get_raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, asyncpg.Connection)  # noqa: S101 - the only driver of this service
    assert connection.is_in_transaction()  # noqa: S101 - or the statement would stand alone
    return connection


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert ``rows``, which must be new: there is no ON CONFLICT. A jsonb value is given as its text.

    As :func:`driver_of`.
    """
    await (await driver_of(session)).copy_records_to_table(table, columns=columns, records=rows)


async def copy_lines(session: AsyncSession, table: str, lines: bytes) -> None:
    """Insert ``lines``, which are in PostgreSQL's text format and hold every column of the table."""
    await (await driver_of(session)).copy_to_table(table, source=BytesIO(lines), format="text")
