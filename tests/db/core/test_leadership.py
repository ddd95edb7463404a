"""One active holder at a time, and who comes after."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from callcenter.core import db, leadership
from callcenter.core.alarms import Alarm
from callcenter.core.clock import now
from callcenter.core.copying import driver_of
from callcenter.core.db import Database
from callcenter.core.leadership import Leadership, LeadershipLost
from tests.support.ami_peer import eventually
from tests.support.polling import becomes

NAME = "engine-pbx1"


async def backends(database: Database) -> list[int]:
    """Those that hold or wait for the leadership."""
    query = text("SELECT pid FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()")
    async with database.transaction() as session:
        return list(await session.scalars(query, {"name": f"callcenter-{NAME}"}))


async def holder(database: Database) -> int | None:
    query = text(
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
    )
    async with database.transaction() as session:
        return (await session.scalars(query)).one_or_none()


async def terminate(database: Database, pid: int | None) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


async def lead(database: Database, leads: asyncio.Event, leave: asyncio.Event) -> None:
    async with Leadership(database.url, NAME).held():
        leads.set()
        await leave.wait()


async def test_the_second_waits_until_the_first_goes(database: Database) -> None:
    leads, leave = asyncio.Event(), asyncio.Event()
    async with Leadership(database.url, NAME).held():
        with capture_logs() as logs:
            second = asyncio.create_task(lead(database, leads, leave))
            await eventually(lambda: "leadership_waiting" in [log["event"] for log in logs])
        assert not leads.is_set()
    async with asyncio.timeout(10):
        await leads.wait()
    leave.set()
    await second
    assert await becomes(lambda: holder(database), lambda pid: pid is None) is None


async def test_the_second_takes_over_when_the_first_is_cut_off_and_the_first_learns_it(database: Database) -> None:
    leads, leave = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(20), Leadership(database.url, NAME).held() as lost:
        second = asyncio.create_task(lead(database, leads, leave))
        assert not lost.done()
        await terminate(database, await holder(database))
        await leads.wait()
        with pytest.raises(LeadershipLost):
            await lost
    leave.set()
    await second


async def test_the_first_learns_it_though_it_waits_for_something_else(database: Database) -> None:
    """As the engine has it: a task group in which the watch stands beside the work."""
    with pytest.raises(ExceptionGroup) as group:
        async with Leadership(database.url, NAME).held() as lost, asyncio.TaskGroup() as work, asyncio.timeout(20):

            async def watch() -> None:
                await lost

            work.create_task(watch())
            work.create_task(asyncio.Event().wait())
            await terminate(database, await holder(database))
    assert group.group_contains(LeadershipLost)


async def test_different_names_lead_side_by_side(database: Database) -> None:
    async with asyncio.timeout(10), AsyncExitStack() as stack:
        for name in ("engine-pbx1", "engine-pbx2"):
            await stack.enter_async_context(Leadership(database.url, name).held())


async def test_who_gives_up_waiting_leaves_nothing(database: Database) -> None:
    leads, leave = asyncio.Event(), asyncio.Event()
    for _ in range(5):
        waiting = asyncio.create_task(lead(database, leads, leave))
        await becomes(lambda: backends(database), bool)
        waiting.cancel()
        await asyncio.wait({waiting})
        leads.clear()
    await becomes(lambda: backends(database), lambda pids: not pids)
    async with asyncio.timeout(10), Leadership(database.url, NAME).held():
        pass


async def test_who_says_nothing_any_more_is_succeeded_and_knows_it_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a frozen process: its connection stands, nothing comes over it."""
    monkeypatch.setattr(leadership, "TRUSTED_FOR_SECONDS", 0.3)
    monkeypatch.setattr(leadership, "RELEASED_AFTER_SECONDS", 1.0)
    monkeypatch.setattr(leadership, "_WATCH_SECONDS", 60.0)
    first, second = Leadership(database.url, NAME), Leadership(database.url, NAME)
    with pytest.raises(LeadershipLost):
        first.require()
    async with asyncio.timeout(20), first.held() as lost:
        first.require()
        await eventually(lambda: not is_sure(first))
        assert await holder(database) is not None, "it was succeeded before it could know"
        async with second.held():
            second.require()
            with pytest.raises(LeadershipLost):
                await lost
        with pytest.raises(LeadershipLost):
            second.require()


def is_sure(one: Leadership) -> bool:
    try:
        one.require()
    except LeadershipLost:
        return False
    return True


async def test_what_was_begun_under_a_lost_lead_is_not_committed(database: Database) -> None:
    sure = True

    def fence() -> None:
        if not sure:
            raise LeadershipLost(NAME)

    fenced = Database(database.url, fence=fence)
    try:
        with pytest.raises(LeadershipLost):
            async with fenced.transaction() as session:
                session.add(ledger_alarm())
                sure = False
        with pytest.raises(LeadershipLost):
            async with fenced.transaction():
                raise AssertionError("a lost lead begins nothing")
    finally:
        await fenced.close()
    async with database.transaction() as session:
        assert not (await session.scalars(select(Alarm))).all()


async def test_a_transaction_of_a_frozen_leader_holds_nobody_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "IDLE_IN_TRANSACTION_SECONDS", 0.2)
    fenced = Database(database.url, fence=lambda: None)
    try:
        with pytest.raises(DBAPIError):
            async with asyncio.timeout(20), fenced.transaction() as session:
                session.add(ledger_alarm())
                await session.execute(text("LOCK TABLE alarms"))
                async with database.transaction() as other:  # waits for the lock, and gets it
                    assert not (await other.scalars(select(Alarm).with_for_update())).all()
    finally:
        await fenced.close()


async def test_nor_one_frozen_in_the_middle_of_a_statement(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncpg prepares a statement without a Sync: until it goes on, PostgreSQL takes the session for active."""
    monkeypatch.setattr(db, "FENCED_TRANSACTION_SECONDS", 1)
    fenced = Database(database.url, fence=lambda: None)
    try:
        with pytest.raises(DBAPIError):
            async with asyncio.timeout(20), fenced.transaction() as session:
                await session.execute(text("LOCK TABLE alarms"))
                await (await driver_of(session)).prepare("SELECT 2 + 3")
                async with database.transaction() as other:
                    assert not (await other.scalars(select(Alarm).with_for_update())).all()
                await session.execute(text("SELECT 1"))
    finally:
        await fenced.close()


def ledger_alarm() -> Alarm:
    at = now()
    return Alarm(kind="test", key="", severity="info", details={}, raised_at=at, last_at=at)
