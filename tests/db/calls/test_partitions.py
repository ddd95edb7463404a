"""Partitions by month: made while the previous version writes on, made ahead, watched, dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from callcenter.calls.models import Call, LedgerEvent, QueueLogEvent
from callcenter.calls.partitions import ASTRAY, MONTHS_AHEAD, PARTITIONED, list_partitions, make_months, month_of
from callcenter.core.alarms import Alarm
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.ids import new_id
from callcenter.core.migrate import alembic_config, upgrade
from callcenter.retention import keep_to_retention
from tests.support.ledger_reading import LedgerFolder, derived, read_all, stored
from tests.support.ledger_tables import T0, T0_EPOCH, scenario

OLD_ROWS = 20_000
"""As the version before partitions wrote them."""
OLD_EVENT = text("""
    INSERT INTO ledger_events
        (file_id, "offset", pbx, kind, at, uniqueid, linkedid, channel, context, extension, application, peer, extra)
    SELECT 1, n, 'pbx1', 'ANSWER', now(), 'pbx1-' || n, 'pbx1-' || n, '', '', '', '', '', '{}'
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    ON CONFLICT (file_id, "offset") DO NOTHING RETURNING "offset"
""")
OLD_CALL = text("""
    INSERT INTO calls (id, pbx, direction, verified, state, outcome, started_at, wait_seconds, talk_seconds,
                       hold_seconds, duration_seconds, derived_at)
    SELECT 'pbx1-' || n, 'pbx1', 'inbound', false, 'open', 'open', now(), 0, 0, 0, 0, now()
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    ON CONFLICT (id) DO UPDATE SET state = 'finished'
""")
OLD_STEP = text("""
    INSERT INTO call_steps (call_id, number, at, flow, step, outcome)
    SELECT 'pbx1-' || n, 1, now(), 'main', 'menu', '1'
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    ON CONFLICT (call_id, number) DO UPDATE SET outcome = '2'
""")


@pytest.fixture
async def old_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[Database]:
    name = f"old_{new_id().hex}"
    database = Database(postgres_server.create_database(name))
    await asyncio.to_thread(upgrade, database.url, "0007")
    yield database
    await database.close()
    postgres_server.drop_database(name)


async def write_old(database: Database, first: int, last: int) -> None:
    async with database.transaction() as session:
        for statement in (OLD_EVENT, OLD_CALL, OLD_STEP):
            await session.execute(statement, {"first": first, "last": last})


async def counts(database: Database, suffix: str) -> list[int]:
    async with database.transaction() as session:
        return [
            await session.scalar(text(f"SELECT count(*) FROM {table}{suffix}")) or 0  # noqa: S608 - names of ours
            for table in ("ledger_events", "calls", "call_steps")
        ]


async def test_the_previous_version_writes_on_while_its_tables_become_partitions(old_database: Database) -> None:
    await write_old(old_database, 1, OLD_ROWS)
    written = OLD_ROWS
    is_over = asyncio.Event()

    async def write_on() -> None:
        """Each row again and again until it is there, as the reader does; what conflicts is updated."""
        nonlocal written
        while not is_over.is_set():
            with suppress(DBAPIError):  # a deadlock or a timeout: tried again
                await write_old(old_database, written - 1, written + 1)
                written += 1

    writer = asyncio.create_task(write_on())
    try:
        await asyncio.to_thread(upgrade, old_database.url, "0008")
        at_once = written
        while written < at_once + 5:  # still with the old version's words
            assert not writer.done()
            await asyncio.sleep(0)
    finally:
        is_over.set()
        await writer
    assert await counts(old_database, "_by_month") == [written] * 3
    await asyncio.to_thread(command.downgrade, alembic_config(old_database.url), "0007")
    await write_old(old_database, written, written + 1)
    assert await counts(old_database, "") == [written + 1] * 3


async def test_what_later_months_hold_is_there_after_going_back(tmp_path: Path, old_database: Database) -> None:
    await asyncio.to_thread(upgrade, old_database.url)
    folder = LedgerFolder(tmp_path)
    later = int((month_of(now(), 2) + timedelta(days=3)).timestamp()) - T0_EPOCH
    folder.append(scenario("hold", start=later))
    await read_all(folder, old_database)
    async with old_database.transaction() as session:
        months = {one.name for one in await list_partitions(session, "calls")}
        assert await session.scalar(text("SELECT count(*) FROM calls")) == 0  # not in the first partition
    assert f"calls_{month_of(now(), 2):%Y_%m}" in months
    await asyncio.to_thread(command.downgrade, alembic_config(old_database.url), "0007")
    assert (await counts(old_database, ""))[1] == 1
    await asyncio.to_thread(upgrade, old_database.url)
    assert len((await derived(old_database))["calls"]) == 1


async def test_months_are_made_ahead_once_and_take_what_was_astray(tmp_path: Path, database: Database) -> None:
    async with database.transaction() as session:
        last = (await list_partitions(session, "calls"))[-1].end
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("hold", start=int(last.timestamp()) - T0_EPOCH))
    await read_all(folder, database)
    before = await derived(database), await stored(database)
    await keep_to_retention(database, Settings(), now())
    async with database.transaction() as session:
        alarms = {(alarm.kind, alarm.key) for alarm in await session.scalars(select(Alarm))}
    assert alarms == {(ASTRAY, table) for table in PARTITIONED}
    async with database.transaction() as session:
        made = await make_months(session, month_of(last, -MONTHS_AHEAD))
    assert made == [f"{table}_{last:%Y_%m}" for table in PARTITIONED]
    async with database.transaction() as session:
        assert await make_months(session, month_of(last, -MONTHS_AHEAD)) == []
        assert await session.scalar(text("SELECT count(*) FROM calls_default")) == 0
    assert (await derived(database), await stored(database)) == before


async def test_months_that_are_over_are_dropped_except_what_is_wanted(tmp_path: Path, database: Database) -> None:
    async with database.transaction() as session:
        month = (await list_partitions(session, "calls"))[1]
    assert month.start is not None
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("hold", start=int(month.start.timestamp()) - T0_EPOCH))
    await read_all(folder, database)
    long_after = month.end + timedelta(days=40)
    settings = Settings(ledger_retention_days=30, call_retention_days=30)
    await open_work_order(database, "open")
    await keep_to_retention(database, settings, long_after)
    assert await rows(database) == (0, 0, 1)  # the lines are gone, the call somebody works on is not
    await open_work_order(database, "closed")
    await keep_to_retention(database, settings, long_after)
    assert await rows(database) == (0, 0, 0)
    async with database.transaction() as session:
        assert month.name not in {one.name for one in await list_partitions(session, "calls")}


async def test_old_calls_of_the_first_partition_go_one_by_one(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("hold"))
    open_call = scenario("timeout", series=2)
    folder.append(type(open_call)(open_call.cel[:8], []))
    await read_all(folder, database)
    await keep_to_retention(database, Settings(call_retention_days=30), T0 + timedelta(days=31))
    async with database.transaction() as session:
        assert list(await session.scalars(select(Call.state))) == ["open"]


async def open_work_order(database: Database, state: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM work_orders"))
        await session.execute(
            text("""
                INSERT INTO work_orders (kind, state, call_id, occasion, opened_at, due_at, note)
                SELECT 'complaint', :state, id, 1, started_at, started_at, '' FROM calls_by_month
            """),
            {"state": state},
        )


async def rows(database: Database) -> tuple[int, ...]:
    async with database.transaction() as session:
        return tuple(
            [
                await session.scalar(select(func.count()).select_from(model)) or 0
                for model in (LedgerEvent, QueueLogEvent, Call)
            ]
        )


def test_months_are_counted_over_the_turn_of_the_year() -> None:
    at = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    assert [month_of(at, ahead) for ahead in (0, 1, 2, -11)] == [
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2025, 12, 1, tzinfo=UTC),
    ]
