"""Alarms: one per cause while it is open."""

import asyncio

from sqlalchemy import select, update

from callcenter.core.alarms import Alarm, clear_alarm, raise_alarm
from callcenter.core.clock import now
from callcenter.core.db import Database


async def alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.id)))


async def raised(database: Database, kind: str = "ledger_bad_line", *, key: str = "", line: int = 1) -> None:
    async with database.transaction() as session:
        await raise_alarm(session, kind, key=key, severity="critical", line=line)


async def test_the_same_cause_is_counted_not_repeated(database: Database) -> None:
    await raised(database, line=1)
    await raised(database, line=2)
    (alarm,) = await alarms(database)
    assert (alarm.kind, alarm.severity, alarm.occurrences, alarm.details) == (
        "ledger_bad_line",
        "critical",
        2,
        {"line": 2},
    )
    assert alarm.raised_at < alarm.last_at


async def test_other_kinds_and_keys_are_other_alarms(database: Database) -> None:
    await raised(database)
    await raised(database, key="pbx2")
    await raised(database, "ledger_gap")
    assert [alarm.occurrences for alarm in await alarms(database)] == [1, 1, 1]


async def test_after_it_was_acknowledged_it_is_raised_anew(database: Database) -> None:
    await raised(database)
    async with database.transaction() as session:
        await session.execute(update(Alarm).values(acknowledged_at=now(), acknowledged_by="boss"))
    await raised(database)
    first, second = await alarms(database)
    assert (first.acknowledged_by, first.occurrences) == ("boss", 1)
    assert (second.acknowledged_at, second.occurrences) == (None, 1)


async def test_what_was_cleared_and_comes_again_is_open_again(database: Database) -> None:
    await raised(database)
    (alarm,) = await alarms(database)
    async with database.transaction() as session:
        await clear_alarm(session, alarm.id, at=now())
    (alarm,) = await alarms(database)
    assert alarm.cleared_at is not None
    await raised(database)
    (alarm,) = await alarms(database)
    assert (alarm.cleared_at, alarm.occurrences) == (None, 2)


async def test_many_at_once_are_one_alarm(database: Database) -> None:
    await asyncio.gather(*(raised(database) for _ in range(10)))
    (alarm,) = await alarms(database)
    assert alarm.occurrences == 10
