"""Two transactions that meet: a test goes on when the second waits for the first, not after a while."""

from sqlalchemy import text

from callcenter.core.db import Database
from tests.support.polling import becomes


async def waits_for_a_lock(database: Database) -> None:
    """Return when some session of this database waits for another; fail at the deadline."""
    query = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )

    async def waiting() -> int:
        async with database.transaction() as session:
            return int((await session.scalars(query)).one())

    await becomes(waiting, bool)
