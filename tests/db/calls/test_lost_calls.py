"""Asterisk died under calls: they are closed with the bounds that are known, once."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from callcenter.asterisk.snapshot import PbxStart
from callcenter.calls import service
from callcenter.calls.models import Call, QueueVisit
from callcenter.core.alarms import Alarm
from callcenter.core.db import Database
from tests.support.ledger_reading import PBX, PLAN, LedgerFolder, derived, read_all
from tests.support.ledger_tables import T0, Ledger, scenario

BOOT = PbxStart(T0 + timedelta(seconds=89), T0 + timedelta(seconds=90))


async def close(database: Database, start: PbxStart = BOOT, *, live: Collection[str] = ()) -> int:
    async with database.transaction() as session:
        return await service.close_lost_calls(session, PBX, start, live=live, plan=PLAN)


async def test_open_calls_are_closed_once(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("timeout", series=7) + scenario("node_lost"))
    folder.append(Ledger(scenario("node_lost", series=9, start=100).cel, []))  # after the boot: still open
    await read_all(folder, database)
    assert await close(database) == 2
    assert await close(database) == 0
    async with database.transaction() as session:
        states = list(await session.scalars(select(Call.state)))
        outcomes = list(await session.scalars(select(QueueVisit.outcome).order_by(QueueVisit.id)))
        alarm = (await session.scalars(select(Alarm))).one()
    assert sorted(states) == ["finished", "node_lost", "node_lost", "open", "open"]
    assert sorted(outcomes) == ["answered", "answered", "lost", "open", "overflowed"]
    assert (alarm.kind, alarm.details["calls"], alarm.occurrences) == ("node_lost", 2, 1)


async def test_lines_read_after_the_boot_was_seen_come_to_the_same(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    ledger = scenario("node_lost")
    folder.append(Ledger(ledger.cel[:10], []))
    await read_all(folder, database)
    await close(database)
    folder.append(Ledger(ledger.cel[10:], ledger.queue_log))
    await read_all(folder, database)
    assert [call["state"] for call in (await derived(database))["calls"]] == ["node_lost", "node_lost"]


async def test_a_call_whose_end_was_only_not_read_yet_is_finished_after_all(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    ledger = scenario("timeout")
    folder.append(Ledger(ledger.cel[:8], []))
    await read_all(folder, database)
    assert await close(database) == 1
    folder.append(Ledger(ledger.cel[8:], []))
    await read_all(folder, database)
    assert [(call["state"], call["outcome"]) for call in (await derived(database))["calls"]] == [
        ("finished", "not_served")
    ]


async def test_what_began_in_the_second_in_which_asterisk_was_started(tmp_path: Path, database: Database) -> None:
    """The start is known to the second only: who is live began after it, and who is not, before."""
    folder = LedgerFolder(tmp_path)
    folder.append(Ledger(scenario("node_lost", start=89).cel[:2], []))
    folder.append(Ledger(scenario("node_lost", series=9, start=89).cel[:2], []))
    await read_all(folder, database)
    async with database.transaction() as session:
        (lost, live) = await session.scalars(select(Call.id).order_by(Call.id))
    start = PbxStart(BOOT.earliest, BOOT.earliest + timedelta(seconds=1))
    assert await close(database, start, live=[live]) == 1
    async with database.transaction() as session:
        states = {call.id: call.state for call in await session.scalars(select(Call))}
    assert states == {lost: "node_lost", live: "open"}
