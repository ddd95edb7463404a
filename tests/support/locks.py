"""Two transactions that meet: a test goes on when the second waits for the first, not after a while."""

import asyncio
import time

from sqlalchemy import text

from callcenter.core.db import Database


async def waits_for_a_lock(database: Database, *, within_seconds: float = 10.0) -> None:
    """Return when some session of this database waits for another; fail at the deadline."""
    query = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    deadline = time.monotonic() + within_seconds
    async with database.engine.connect() as watcher:
        while not (await watcher.scalars(query)).one():
            assert time.monotonic() < deadline, "nobody waits"
            await watcher.rollback()
            await asyncio.sleep(0.01)
