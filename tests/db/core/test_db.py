"""A transaction that is cancelled, and a database that does not answer."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError

from callcenter.core.bus import connect
from callcenter.core.db import Database, answer_within
from callcenter.core.jobs import is_world_fault, run_every
from tests.support.link_proxy import unix_proxy
from tests.support.polling import becomes

EVER = 3600.0


async def _on_a_dead_link(database: Database, begun: asyncio.Event) -> None:
    """Waits inside a transaction whose connection is gone, so that its roll-back fails."""
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        raw = await (await session.connection()).get_raw_connection()
        raw.driver_connection.terminate()  # type: ignore[union-attr]
        begun.set()
        await asyncio.sleep(EVER)


async def test_a_cancelled_job_ends_though_its_roll_back_fails(database: Database) -> None:
    begun = asyncio.Event()
    job = asyncio.create_task(run_every("test", EVER, lambda: _on_a_dead_link(database, begun)))
    await begun.wait()
    job.cancel()
    done, _ = await asyncio.wait({job}, timeout=10)
    assert done, "the cancellation was taken for a fault of the database"
    assert job.cancelled()


_OURS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def test_connections_that_the_server_ended_are_replaced(database: Database) -> None:
    sessions = [await database.connected_session(5) for _ in range(3)]
    for session in sessions:
        await session.close()
    outside = await connect(database.url, application_name="somebody")
    assert len(await outside.fetch(f"SELECT pg_terminate_backend(pid) {_OURS}")) == 3

    async def left() -> int:
        return int(await outside.fetchval(f"SELECT count(*) {_OURS}"))

    await becomes(left, lambda count: count == 0)
    await outside.close()
    for _ in range(4):
        async with database.transaction() as session:
            assert await session.scalar(text("SELECT 1")) == 1


async def test_a_cancellation_of_before_is_not_taken_for_a_new_one(database: Database) -> None:
    """What a TaskGroup of Python 3.11 leaves behind in its task: the count of a cancellation that is over."""

    async def work() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(EVER)
        async with database.transaction() as session:
            await session.execute(text("SELECT 1 / 0"))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(DBAPIError):
        await task


async def test_a_limit_around_it_is_a_time_out(database: Database) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await _on_a_dead_link(database, asyncio.Event())


async def test_a_connected_session_is_not_waited_for(database: Database) -> None:
    """All connections of the pool are in use: told in time, and nothing of the attempt is left."""
    held = [await database.connected_session(5) for _ in range(20)]
    with pytest.raises(TimeoutError):
        await database.connected_session(0.2)
    for session in held:
        await session.close()

    async def in_use() -> int:
        return database.engine.pool.checkedout()  # type: ignore[attr-defined, no-any-return]

    await becomes(in_use, lambda count: count == 0)


async def test_a_server_that_throws_everybody_out_is_a_fault_of_the_world(database: Database) -> None:
    """SQLAlchemy calls it an invalid request; the engine would end by that, as by a defect of ours."""

    @event.listens_for(database.engine.sync_engine, "checkout")
    def throw_out(*_: object) -> None:
        raise DisconnectionError

    with pytest.raises(ConnectionError) as thrown:
        async with database.transaction():
            pass
    assert is_world_fault(thrown.value)
    with pytest.raises(ConnectionError):
        await database.connected_session(5)


async def test_what_takes_too_long_is_left_to_its_fate() -> None:
    """It is cancelled, and not waited for though it refuses to end."""
    stubborn = asyncio.Event()

    async def query() -> None:
        try:
            await asyncio.sleep(EVER)
        except asyncio.CancelledError:
            await stubborn.wait()

    with pytest.raises(TimeoutError):
        await answer_within(0.05, query())
    stubborn.set()


async def test_a_pooled_connection_to_a_server_that_froze_is_no_session(database: Database, tmp_path: Path) -> None:
    """Where somebody waits for an answer, the connection must have given one just now."""
    url = make_url(database.url)
    socket = ".s.PGSQL.5432"
    async with unix_proxy(Path(str(url.query["host"])) / socket, tmp_path / socket) as wire:
        far = Database(url.set(query={"host": str(tmp_path)}).render_as_string(hide_password=False))
        try:
            async with far.transaction() as session:
                await session.execute(text("SELECT 1"))
            wire.swallows()
            with pytest.raises(TimeoutError):
                await far.connected_session(0.2)
            wire.passes()
            session = await far.connected_session(10)
            assert await session.scalar(text("SELECT 1")) == 1
            await session.close()
        finally:
            await far.close()
