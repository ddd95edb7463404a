"""Announcements between processes over PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from callcenter.core.bus import MAX_PAYLOAD_BYTES, BusListener, announce, connect
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from tests.support.ami_peer import eventually


class Ears:
    """A subscriber: what was heard, in order, and how often something may have been missed."""

    def __init__(self) -> None:
        self.heard: list[list[str]] = []
        self.gaps = 0

    def gap(self) -> None:
        self.gaps += 1

    @property
    def ids(self) -> list[str]:
        return [one for ids in self.heard for one in ids]


@asynccontextmanager
async def listening(database: Database, **ears: Ears) -> AsyncIterator[BusListener]:
    """A listener of its own connection, as another process has it."""
    bus = BusListener(database.url)
    for topic, one in ears.items():
        bus.subscribe(topic, one.heard.append, one.gap)
    task = asyncio.create_task(bus.run())
    try:
        await eventually(lambda: all(one.gaps for one in ears.values()))
        yield bus
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def tell(database: Database, topic: str, *ids: str) -> None:
    async with database.transaction() as session:
        await announce(session, topic, ids)


async def test_every_listener_hears_its_topics(database: Database) -> None:
    agents, others, queues = Ears(), Ears(), Ears()
    async with listening(database, agents=agents, queues=queues), listening(database, agents=others):
        await tell(database, "agents", "1001", "1002")
        await tell(database, "calls", "x")
        await tell(database, "queues", "vip")
        await eventually(lambda: queues.heard and others.heard)
    assert agents.heard == others.heard == [["1001", "1002"]]
    assert queues.heard == [["vip"]]


async def test_nothing_is_heard_before_the_commit_or_of_a_rollback(database: Database) -> None:
    ears = Ears()
    async with listening(database, agents=ears):
        with pytest.raises(CallcenterError):
            async with database.transaction() as session:
                await announce(session, "agents", ["1001"])
                raise CallcenterError
        async with database.transaction() as session:
            await announce(session, "agents", ["1002"])
            await tell(database, "agents", "1003")
            await eventually(lambda: ears.heard)
            assert ears.ids == ["1003"]
        await eventually(lambda: len(ears.heard) == 2)
    assert ears.ids == ["1003", "1002"]


@pytest.mark.parametrize("one", ["patient-%06d", "病人-%06d"])
async def test_many_ids_are_split_and_none_is_lost(database: Database, one: str) -> None:
    """PostgreSQL counts bytes."""
    ears = Ears()
    ids = [one % number for number in range(3000)]
    async with listening(database, patients=ears):
        await tell(database, "patients", *ids)
        await eventually(lambda: len(ears.ids) == len(ids))
    assert ears.ids == ids
    sizes = [len(" ".join(heard).encode()) for heard in ears.heard]
    assert len(sizes) > 3
    assert max(sizes) <= MAX_PAYLOAD_BYTES


async def test_what_a_transaction_announces_goes_together_and_once(database: Database) -> None:
    ears = Ears()
    async with listening(database, agents=ears):
        async with database.transaction() as session:
            await announce(session, "agents", ["1001", "1002"])
            await announce(session, "agents", ["1003", "1001"])
        await eventually(lambda: ears.heard)
    assert ears.heard == [["1001", "1002", "1003"]]


async def test_a_cut_connection_is_one_gap_and_then_all_is_heard_again(database: Database) -> None:
    ears = Ears()
    async with listening(database, agents=ears):
        async with database.transaction() as session:
            cut = await session.scalars(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'callcenter-bus' AND datname = current_database()"
                )
            )
            assert cut.all() == [True]
        await eventually(lambda: ears.gaps == 2)
        await tell(database, "agents", "1002")
        await eventually(lambda: ears.heard)
    assert ears.ids == ["1002"]


async def test_a_listener_waits_for_a_database_that_is_not_there_yet(database: Database) -> None:
    ears = Ears()
    name = make_url(database.url).database
    url = make_url(database.url).set(database=f"{name}_late")
    bus = BusListener(url.render_as_string(hide_password=False))
    bus.subscribe("agents", ears.heard.append, ears.gap)
    task = asyncio.create_task(bus.run())
    await asyncio.sleep(0)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f'CREATE DATABASE "{name}_late"'))
        await eventually(lambda: ears.gaps)
        task.cancel()
        await asyncio.wait({task})
        await connection.execute(text(f'DROP DATABASE "{name}_late" WITH (FORCE)'))


async def test_a_connection_of_its_own_tells_its_name(database: Database) -> None:
    connection = await connect(database.url, application_name="callcenter-test")
    assert await connection.fetchval("SHOW application_name") == "callcenter-test"
    assert await connection.fetchval("SELECT current_database()") == make_url(database.url).database
    await connection.close()
