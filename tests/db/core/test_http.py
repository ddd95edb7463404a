"""What a request is told when the database is silent, full, or slow in the middle of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from callcenter.core.db import Database
from callcenter.core.http import DbSession
from callcenter.core.problems import install_problem_handlers


def _client(database: Database) -> httpx.AsyncClient:
    app = FastAPI()
    app.state.database = database
    install_problem_handlers(app)

    @app.get("/fails/{sqlstate}")
    async def fails(session: DbSession, sqlstate: str) -> None:
        await session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{sqlstate}'; END $$"))

    @app.get("/slow")
    async def slow(session: DbSession) -> None:
        async with asyncio.timeout(0.05):
            await session.execute(text("SELECT pg_sleep(60)"))

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(database) as client:
        yield client


@pytest.mark.parametrize("path", ["/fails/53100", "/fails/53300", "/fails/57P03", "/fails/58030", "/slow"])
async def test_a_fault_of_the_database_may_be_tried_again(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")


async def test_a_database_that_only_listens_is_an_answer(tmp_path: Path) -> None:
    """Connected, and not a word: the request is not left hanging."""
    silence = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    server = await asyncio.start_unix_server(say_nothing, tmp_path / ".s.PGSQL.5432")
    database = Database(f"postgresql+asyncpg://nobody@/nothing?host={tmp_path}")
    async with server, _client(database) as client:
        answer = await client.get("/slow")
        assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
        silence.set()
        await database.close()
