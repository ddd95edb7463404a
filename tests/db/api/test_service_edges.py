"""What surrounds every route: problems, headers, trace ids, health, figures, limits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from callcenter.accounts.models import Role
from callcenter.core.audit import SYSTEM, record_audit
from callcenter.core.db import Database
from callcenter.core.http import DbSession
from tests.support.api import api_client, as_role

NAME = "张三13800000001"


def application(client: httpx.AsyncClient) -> FastAPI:
    app = client._transport.app  # type: ignore[attr-defined]
    assert isinstance(app, FastAPI)
    return app


@pytest.fixture
async def broken(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The API with routes that fail as ours must not."""
    app = application(client)

    @app.get("/api/v1/test/crash")
    async def crash() -> None:
        raise RuntimeError(NAME)

    @app.get("/api/v1/test/crash-after-write")
    async def crash_after_write(session: DbSession) -> None:
        record_audit(session, SYSTEM, "test.write")
        await session.flush()
        raise RuntimeError(NAME)

    @app.get("/api/v1/test/deferred")
    async def violates_at_commit(session: DbSession) -> str:
        await session.execute(text("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        await session.execute(text("INSERT INTO t VALUES (1), (1)"))
        return "done"

    return client


async def test_an_unexpected_error_tells_nothing_and_is_logged_with_its_trace_id(broken: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await broken.get("/api/v1/test/crash", headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["title"]) == ("internal-error", "Something went wrong on our side.")
    assert set(problem) == {"type", "title", "status", "code", "trace_id"}
    assert answer.headers["X-Trace-Id"] == problem["trace_id"]
    assert logs[0]["event"] == "unexpected_error"
    assert logs[0]["error"] == "RuntimeError"
    assert "crash" in logs[0]["stack"]
    assert NAME not in str(logs)


async def test_an_error_rolls_the_request_back(broken: httpx.AsyncClient, database: Database) -> None:
    assert (await broken.get("/api/v1/test/crash-after-write")).status_code == 500
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM audit_entries")) == 0


async def test_success_is_told_only_after_the_commit(broken: httpx.AsyncClient) -> None:
    """A commit that fails must not follow an answer that said it was done."""
    answer = await broken.get("/api/v1/test/deferred")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_trace_of_the_caller_is_carried_on(client: httpx.AsyncClient) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    given = await client.get("/health/live", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    assert given.headers["X-Trace-Id"] == trace_id
    made_up = await client.get("/health/live", headers={"traceparent": NAME.encode().hex()})
    assert len(made_up.headers["X-Trace-Id"]) == 32


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/docs", 404, "not-found"),
        ("DELETE", "/api/v1/auth/login", 405, "method-not-allowed"),
        ("GET", "/api/v1/users/%00", 400, "bad-request"),
        ("GET", "/api/v1/users?cursor=%00", 400, "bad-request"),
    ],
)
async def test_addresses_that_lead_nowhere(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] != ""


async def test_the_title_is_in_the_reader_s_language(client: httpx.AsyncClient) -> None:
    chinese = await client.get("/api/v1/auth/me")
    english = await client.get("/api/v1/auth/me", headers={"Accept-Language": "en-GB"})
    assert (chinese.json()["title"], chinese.headers["Content-Language"]) == ("请先登录。", "zh-CN")
    assert (english.json()["title"], english.headers["Content-Language"]) == ("Log in first.", "en")


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/auth/me", "/api/v1/nothing", "/metrics"])
async def test_security_headers_stand_on_every_answer(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert ("Cache-Control" in headers) == path.startswith("/api/")


@pytest.mark.parametrize(
    "content", [b"{", b"[" * 100_000, b'{"username": 1e400}', b"\xff\xfe", b'{"username": "\\ud800"}', b"null", b""]
)
async def test_bodies_that_are_no_json_are_the_sender_s_fault(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/api/v1/auth/login", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 65_536):
        yield b" " * 65_536


async def test_a_body_that_is_too_large_is_refused_also_without_a_length(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/auth/login", content=chunks(2_000_000), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_two_who_create_the_same_at_once(client: httpx.AsyncClient, database: Database) -> None:
    headers = await as_role(database, Role.ADMIN)
    body = {"username": "li.na", "display_name": "李娜", "password": "correct horse battery", "roles": ["agent"]}
    answers = await asyncio.gather(*(client.post("/api/v1/users", headers=headers, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_live_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    ready = await client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"database": {"ok": True, "reason": ""}, "schema": {"ok": True, "reason": ""}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE alembic_version SET version_num = '0007'", "not-migrated"),
        ("DROP TABLE alembic_version", "not-migrated"),
        ("UPDATE alembic_version SET version_num = 'nobody knows'", "too-new"),
    ],
)
async def test_another_schema_is_not_ready(
    client: httpx.AsyncClient, database: Database, change: str, reason: str
) -> None:
    async with database.transaction() as session:
        await session.execute(text(change))
    ready = await client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["checks"]["schema"] == {"ok": False, "reason": reason}


@pytest.fixture
async def without_database(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    database = Database(f"postgresql+asyncpg://nobody@/nothing?host={tmp_path}")
    async with api_client(database, tmp_path / "state") as client:
        yield client
    await database.close()


async def test_without_a_database_it_lives_is_not_ready_and_says_so(without_database: httpx.AsyncClient) -> None:
    assert (await without_database.get("/health/live")).status_code == 200
    ready = await without_database.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "failing")
    assert ready.json()["checks"]["database"] == {"ok": False, "reason": "unreachable"}
    answer = await without_database.get("/api/v1/auth/me", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert answer.headers["Retry-After"]
    log_in = await without_database.post("/api/v1/auth/login", json={"username": "x", "password": "y"})
    assert (log_in.status_code, log_in.json()["code"]) == (503, "database-unavailable")


async def test_an_exhausted_pool_is_unavailable_and_not_an_error(database_url: str, tmp_path: Path) -> None:
    small = Database(database_url, pool_size=1)
    async with api_client(small, tmp_path) as client, small.transaction() as one, small.transaction() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        ready = await client.get("/health/ready")
        assert ready.json()["checks"]["database"] == {"ok": False, "reason": "timeout"}
    await small.close()


async def test_figures_name_routes_and_never_ids(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    user_id = "11111111-2222-3333-4444-555555555555"
    await client.get(f"/api/v1/users/{user_id}", headers=admin)
    await client.get(f"/nowhere/{user_id}")
    await client.request(NAME.encode().hex(), "/health/live")
    figures = (await client.get("/metrics")).text
    assert 'callcenter_http_requests_total{method="GET",route="/api/v1/users/{user_id}",status="404"} 1.0' in figures
    assert 'callcenter_http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in figures
    assert 'method="OTHER"' in figures
    assert "callcenter_http_request_seconds_bucket" in figures
    assert 'callcenter_db_pool_connections{state="idle"}' in figures
    assert user_id not in figures
