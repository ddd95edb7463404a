"""Guesses at passwords and tokens: limited by account and by address, told, and no answer says what exists."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts import service
from callcenter.accounts.models import LoginSource, Role
from callcenter.core.alarms import Alarm
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.api import as_role

PASSWORD = "correct horse battery"


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2 is slow on purpose: fewer tries show the same."""
    monkeypatch.setattr(service, "MAX_TRIES_OF_SOURCE", 8)


async def given_user(database: Database, username: str = "root") -> str:
    async with database.transaction() as session:
        return str((await service.create_admin(session, username, PASSWORD, "管理员")).id)


async def log_in(client: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"username": username, "password": password})


async def alarm_keys(database: Database) -> Sequence[str]:
    async with database.transaction() as session:
        return (await session.scalars(select(Alarm.key).where(Alarm.kind == "login_guessing"))).all()


async def source_of(database: Database) -> LoginSource:
    async with database.transaction() as session:
        return (await session.scalars(select(LoginSource))).one()


async def test_fifty_parallel_guesses_do_not_pass_the_limit_of_an_account(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted before the slow comparison, which is left out here: only five may ever be compared."""
    compared = 0

    async def never_right(_password: str, _hash: str) -> bool:
        nonlocal compared
        compared += 1
        return False

    monkeypatch.setattr(service, "verify_password", never_right)
    user_id = await given_user(database)
    answers = await asyncio.gather(*(log_in(client, "root", f"guess {n}") for n in range(50)))
    assert {answer.json()["code"] for answer in answers} == {"login-failed"}
    assert compared == 50, "the same work, locked or not"
    async with database.transaction() as session:
        tries = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "accounts.try_log_in"))).all()
    assert [one.details["locked"] for one in tries].count(False) == service.MAX_TRIES
    assert sorted(await alarm_keys(database)) == [f"account:{user_id}", "source:127.0.0.1"]


async def test_an_address_is_locked_whatever_account_it_tries(
    client: httpx.AsyncClient, database: Database, few_tries: None
) -> None:
    await given_user(database)
    answers = [await log_in(client, f"nobody{n}", PASSWORD) for n in range(8)]
    assert {answer.status_code for answer in answers} == {401}
    locked = await log_in(client, "root", PASSWORD)
    unknown = await log_in(client, "nobody", PASSWORD)
    assert [(one.status_code, one.json()["code"]) for one in (locked, unknown)] == [(429, "too-many-logins")] * 2
    assert await alarm_keys(database) == ["source:127.0.0.1"]
    async with database.transaction() as session:
        (await session.scalars(select(LoginSource))).one().locked_until = now() - timedelta(seconds=1)
    assert (await log_in(client, "root", PASSWORD)).status_code == 200


async def test_right_passwords_do_not_count_against_an_address(
    client: httpx.AsyncClient, database: Database, few_tries: None
) -> None:
    """A whole department may log in through one address at eight o'clock."""
    await given_user(database)
    for _ in range(10):
        assert (await log_in(client, "root", PASSWORD)).status_code == 200
    assert (await source_of(database)).failed_logins == 0
    assert await alarm_keys(database) == []


async def test_a_right_password_at_the_last_try_is_no_alarm(client: httpx.AsyncClient, database: Database) -> None:
    await given_user(database)
    for _ in range(service.MAX_TRIES - 1):
        await log_in(client, "root", "wrong password")
    assert (await log_in(client, "root", PASSWORD)).status_code == 200
    assert await alarm_keys(database) == []


async def test_wrong_tokens_are_throttled_and_told_and_right_ones_still_let_in(
    client: httpx.AsyncClient, database: Database
) -> None:
    right = await as_role(database, Role.AGENT)

    async def try_token(n: int) -> int:
        headers = {"Authorization": f"Bearer cck_{n:043}"}
        return (await client.get("/api/v1/auth/me", headers=headers)).status_code

    answers = await asyncio.gather(*(try_token(n) for n in range(70)))
    assert (answers.count(401), answers.count(429)) == (60, 10)
    assert (await client.get("/api/v1/auth/me", headers=right)).status_code == 200
    assert await alarm_keys(database) == ["token:127.0.0.1"]


async def test_addresses_are_forgotten(client: httpx.AsyncClient, database: Database) -> None:
    await log_in(client, "nobody", PASSWORD)
    async with database.transaction() as session:
        await service.purge_sources(session, now())
    assert (await source_of(database)).failed_logins == 1
    async with database.transaction() as session:
        await service.purge_sources(session, now() + timedelta(hours=1))
        assert (await session.scalars(select(LoginSource))).all() == []
