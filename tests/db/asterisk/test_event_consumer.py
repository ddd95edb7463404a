"""Events on their way into the database: batches, order, bad ones, too many, a database that is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.consumer import BATCH_LIMIT, EventConsumer
from callcenter.asterisk.events import QueueCallerJoin
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.core.jobs import keep_running
from tests.support.ami_peer import eventually
from tests.support.polling import becomes

OnJoin = Callable[[QueueCallerJoin, AsyncSession], Awaitable[None]]


def join(number: int) -> Mapping[str, str]:
    return {"Event": "QueueCallerJoin", "Queue": "vip", "Uniqueid": f"{number}", "Linkedid": "x"}


@pytest.fixture(autouse=True)
async def seen_table(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("CREATE TABLE seen (id int GENERATED ALWAYS AS IDENTITY, number int UNIQUE, tx text)")
        )


async def write(event: QueueCallerJoin, session: AsyncSession) -> None:
    insert = text("INSERT INTO seen (number, tx) VALUES (:number, pg_current_xact_id()::text)")
    await session.execute(insert, {"number": int(event.uniqueid)})


async def seen(database: Database) -> list[tuple[int, str]]:
    async with database.transaction() as session:
        return [(row.number, row.tx) for row in await session.execute(text("SELECT number, tx FROM seen ORDER BY id"))]


async def numbers(database: Database) -> list[int]:
    return [number for number, _ in await seen(database)]


async def count_reaches(database: Database, count: int) -> None:
    await becomes(lambda: seen(database), lambda rows: len(rows) >= count)


@asynccontextmanager
async def running(
    database: Database, handler: OnJoin = write, on_overflow: Callable[[], None] = lambda: None
) -> AsyncIterator[EventConsumer]:
    """As the engine keeps it."""
    consumer = EventConsumer(database, {QueueCallerJoin: handler}, on_overflow)
    task = asyncio.create_task(keep_running("consumer", consumer.run))
    try:
        yield consumer
        assert not task.done(), "the stream goes on"
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_what_comes_together_is_one_transaction_in_order(database: Database) -> None:
    async with running(database) as consumer:
        for number in range(200):
            consumer.put(join(number))
        await count_reaches(database, 200)
        consumer.put(join(200))
        await count_reaches(database, 201)
    rows = await seen(database)
    assert [number for number, _ in rows] == list(range(201))
    assert len({tx for number, tx in rows if number < 200}) == 1
    assert rows[200][1] != rows[0][1]


async def test_a_flood_is_cut_into_batches_and_keeps_its_order(database: Database) -> None:
    async with running(database) as consumer:
        for number in range(2 * BATCH_LIMIT + 1):
            consumer.put(join(number))
        await count_reaches(database, 2 * BATCH_LIMIT + 1)
    rows = await seen(database)
    assert [number for number, _ in rows] == list(range(2 * BATCH_LIMIT + 1))
    assert len({tx for _, tx in rows}) == 3


@pytest.mark.parametrize("fault", [CallcenterError("no"), ValueError("no"), KeyError("no"), AssertionError("no")])
async def test_a_bad_event_takes_no_other_with_it(database: Database, fault: Exception) -> None:
    async def fails_at_two(event: QueueCallerJoin, session: AsyncSession) -> None:
        await write(event, session)
        if event.uniqueid == "2":
            raise fault

    async with running(database, fails_at_two) as consumer:
        for number in range(5):
            consumer.put(join(number))
        await count_reaches(database, 4)
        consumer.put(join(5))
        await count_reaches(database, 5)
    assert await numbers(database) == [0, 1, 3, 4, 5]


async def test_what_the_database_refuses_takes_no_other_with_it(database: Database) -> None:
    async with running(database) as consumer:
        for number in (0, 1, 1, 2):
            consumer.put(join(number))
        await count_reaches(database, 3)
    assert await numbers(database) == [0, 1, 2]


async def test_events_wait_for_a_database_that_is_away(database: Database) -> None:
    """The batch that was under way too: nothing tells of it again."""
    cut = 0

    async def cuts_the_line(event: QueueCallerJoin, session: AsyncSession) -> None:
        nonlocal cut
        await write(event, session)
        if event.uniqueid == "1" and cut < 2:
            cut += 1
            pid = await session.scalar(text("SELECT pg_backend_pid()"))
            async with database.transaction() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    async with running(database, cuts_the_line) as consumer:
        for number in range(3):
            consumer.put(join(number))
        await eventually(lambda: cut == 2)
        consumer.put(join(3))
        await count_reaches(database, 4)
    assert await numbers(database) == [0, 1, 2, 3]


async def test_who_waits_too_long_for_another_is_tried_again(database: Database) -> None:
    """A deadlock's victim has done nothing wrong."""
    tries = 0

    async def is_the_victim(event: QueueCallerJoin, session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        await write(event, session)
        if tries == 1:
            await session.execute(text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))

    async with running(database, is_the_victim) as consumer:
        consumer.put(join(0))
        await count_reaches(database, 1)
    assert tries == 2


async def test_too_many_events_are_told_when_the_rest_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot that then follows is newer than everything that was kept."""
    limit = 2 * BATCH_LIMIT
    monkeypatch.setattr("callcenter.asterisk.consumer.QUEUE_LIMIT", limit)
    written: list[int] = []
    at_overflow: list[int] = []

    async def note(event: QueueCallerJoin, session: AsyncSession) -> None:
        written.append(int(event.uniqueid))

    consumer = EventConsumer(database, {QueueCallerJoin: note}, lambda: at_overflow.append(len(written)))
    for number in range(limit + 3):
        consumer.put(join(number))
    assert at_overflow == []
    task = asyncio.create_task(consumer.run())
    await eventually(lambda: at_overflow, within_seconds=20)
    assert at_overflow == [limit]
    assert written == list(range(limit))
    consumer.put(join(limit + 3))
    await eventually(lambda: len(written) == limit + 1)
    assert len(at_overflow) == 1
    task.cancel()
    await asyncio.wait({task})


async def test_who_leads_again_begins_anew(database: Database) -> None:
    """What was left behind is older than the snapshot with which every leader begins."""
    consumer = EventConsumer(database, {QueueCallerJoin: write}, lambda: None)
    first = asyncio.create_task(consumer.run())
    await asyncio.sleep(0)
    consumer.put(join(1))
    first.cancel()
    await asyncio.wait({first})
    second = asyncio.create_task(consumer.run())
    consumer.put(join(2))
    await count_reaches(database, 1)
    assert await numbers(database) == [2]
    second.cancel()
    await asyncio.wait({second})
