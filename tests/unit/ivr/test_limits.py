"""No state of the database holds a caller longer than the limit."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from callcenter.core.db import Database
from callcenter.ivr import limits
from callcenter.ivr.callers import DatabaseCallers
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.limits import limited
from callcenter.patients.code_guard import CodeLimits, Origin
from tests.support.ports import free_port

ORIGIN = Origin("+8613800000001", "trunk")


@pytest.fixture
async def frozen_database(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Connections are accepted and nothing is ever answered."""
    monkeypatch.setattr(limits, "QUERY_LIMIT_SECONDS", 0.05)
    hold = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{port}/none")
    yield database
    await database.close()
    hold.set()
    server.close()


async def test_a_frozen_database_is_away(frozen_database: Database) -> None:
    callers = DatabaseCallers(frozen_database, "key", CodeLimits())
    with pytest.raises(DatabaseAway, match="within the limit"):  # asyncpg itself would wait for seconds
        await callers.recognise("+8613800000001")
    with pytest.raises(DatabaseAway, match="within the limit"):
        await callers.verify(ORIGIN, SecretStr("123456"))


async def test_a_stopped_database_is_away_and_its_error_tells_no_patients_data() -> None:
    database = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(DatabaseAway) as away:
        await DatabaseCallers(database, "key", CodeLimits()).verify(ORIGIN, SecretStr("123456"))
    assert away.value.message == "ConnectionRefusedError"
    assert away.value.__cause__ is None
    assert away.value.__suppress_context__
    await database.close()


async def test_a_mistake_of_ours_is_not_taken_for_an_absent_database() -> None:
    async def wrong() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await limited(wrong())


async def test_a_caller_who_goes_ends_the_query_too() -> None:
    running, ended = asyncio.Event(), asyncio.Event()

    async def query() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(limited(query()))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 10)
