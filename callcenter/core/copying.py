"""Many rows brought into a table at once by PostgreSQL's COPY, inside the session's transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert ``rows``, which must be new: there is no ON CONFLICT. A jsonb value is given as its text.

    Raises asyncpg.PostgresError, not SQLAlchemy's errors: this is the driver's own connection.
    """
    pooled = await (await session.connection()).get_raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, asyncpg.Connection)  # noqa: S101 - the only driver of this service
    await connection.copy_records_to_table(table, columns=columns, records=rows)
