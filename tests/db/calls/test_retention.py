"""Raw lines and rotated files go when their time is over; the derived record and what is unread stay."""

import os
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from callcenter.calls.models import LedgerEvent, QueueLogEvent
from callcenter.calls.retention import purge_ledger, purge_rotated_files
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.ledger_reading import PBX, LedgerFolder, derived, read_all
from tests.support.ledger_tables import T0, Ledger, scenario

LONG_AFTER = T0 + timedelta(days=40)


async def counts(database: Database) -> tuple[int, int]:
    async with database.transaction() as session:
        events = await session.scalar(select(func.count()).select_from(LedgerEvent))
        lines = await session.scalar(select(func.count()).select_from(QueueLogEvent))
    return events or 0, lines or 0


async def test_lines_of_ended_calls_go_those_of_open_ones_stay(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    ended, open_call = scenario("hold"), scenario("timeout", series=2)
    folder.append(ended)
    folder.append(Ledger(open_call.cel[:8], open_call.queue_log[:1]))
    await read_all(folder, database)
    before = await derived(database)
    async with database.transaction() as session:
        assert await purge_ledger(session, T0 - timedelta(days=1)) == 0
        assert await purge_ledger(session, LONG_AFTER) == len(ended.cel)
    assert await counts(database) == (8, 1)
    assert await derived(database) == before


async def test_a_late_line_does_not_spoil_a_call_whose_lines_are_gone(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    ledger = scenario("hold")
    folder.append(ledger)
    await read_all(folder, database)
    before = await derived(database)
    async with database.transaction() as session:
        await purge_ledger(session, LONG_AFTER, rows=10)  # the oldest
    folder.append(Ledger(ledger.cel[-1:], []))
    await read_all(folder, database)
    assert await derived(database) == before


async def test_only_rotated_files_that_were_read_go(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("hold"))
    old = folder.cel.rename(tmp_path / "ledger.jsonl.2")
    folder.append(scenario("timeout", series=2))
    await read_all(folder, database)
    unread = folder.cel.rename(tmp_path / "ledger.jsonl.1")
    with unread.open("ab") as file:
        file.write(b"not read yet\n")
    folder.append(scenario("timeout", series=3))
    for path in (old, unread, folder.cel):
        os.utime(path, (T0.timestamp(), T0.timestamp()))

    async def purge(before: object) -> list[Path]:
        async with database.transaction() as session:
            return await purge_rotated_files(session, folder.cel, PBX, "cel", before)  # type: ignore[arg-type]

    assert await purge(T0 - timedelta(days=1)) == []
    assert await purge(now()) == [old]
    assert (old.exists(), unread.exists(), folder.cel.exists()) == (False, True, True)
