"""Real files, a real PostgreSQL: every line once, whatever happens to either."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import ledger_files
from callcenter.asterisk.ledger import CelRecord, LedgerKind
from callcenter.asterisk.ledger_files import LedgerTail
from callcenter.calls import ledger_queries, service
from callcenter.calls import reader as reader_module
from callcenter.calls.derive import DerivedCall
from callcenter.calls.models import (
    Call,
    CallLink,
    CallStep,
    LedgerEvent,
    LedgerFile,
    LedgerQuarantine,
    Leg,
    QueueLogEvent,
    QueueVisit,
)
from callcenter.calls.service import LedgerHandlers
from callcenter.core.alarms import Alarm, raise_alarm
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.leadership import LeadershipLost
from callcenter.core.migrate import upgrade
from tests.support.ledger_reading import PBX, PLAN, LedgerFolder, derived, read_all, running, stored
from tests.support.ledger_tables import SCENARIOS, Ledger, scenario

ALL = [file.stem for file in sorted(SCENARIOS.glob("*.txt"))]


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return LedgerFolder(tmp_path)


def whole_story() -> Ledger:
    """Every recorded scenario, one after another."""
    story = Ledger([], [])
    for number, name in enumerate(ALL, start=1):
        story += scenario(name, series=number, start=number * 60)
    return story


async def alarms(database: Database) -> dict[tuple[str, str], int]:
    async with database.transaction() as session:
        found = await session.scalars(select(Alarm))
        return {(alarm.kind, alarm.key): alarm.occurrences for alarm in found}


async def count(database: Database, model: type[LedgerEvent | Call | LedgerQuarantine | QueueVisit]) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_every_line_is_stored_and_every_call_derived(folder: LedgerFolder, database: Database) -> None:
    story = whole_story()
    folder.append(story)
    await read_all(folder, database)
    assert await count(database, LedgerEvent) == len(story.cel)
    assert await count(database, Call) == len(ALL) + 1  # node_lost holds two
    assert await alarms(database) == {}


async def test_reading_again_from_the_beginning_changes_nothing(folder: LedgerFolder, database: Database) -> None:
    folder.append(whole_story())
    await read_all(folder, database)
    before = await derived(database), await stored(database)
    async with database.transaction() as session:
        derived_at = await session.scalar(select(func.max(Call.derived_at)))
        await session.execute(update(LedgerFile).values(offset=0))
    await read_all(folder, database)
    assert (await derived(database), await stored(database)) == before
    async with database.transaction() as session:
        assert await session.scalar(select(func.max(Call.derived_at))) == derived_at  # not even written


async def test_line_by_line_with_restarts_gives_the_same_as_at_once(
    folder: LedgerFolder, database: Database, tmp_path: Path
) -> None:
    story = scenario("blind_to_queue") + scenario("hold", series=2)
    for line in story.queue_log:  # all of it before the first channel event
        folder.append(Ledger([], [line]))
    for start in range(0, len(story.cel), 7):
        async with running(folder.reader(database)) as reader:
            for line in story.cel[start : start + 7]:
                folder.append(Ledger([line], []))
                await asyncio.wait_for(reader.caught_up(), timeout=30)
    by_line = await derived(database)
    async with database.transaction() as session:
        for model in (Call, Leg, QueueVisit, CallStep, CallLink, LedgerEvent, QueueLogEvent, LedgerFile):
            await session.execute(delete(model))
    await read_all(folder, database)
    assert await derived(database) == by_line


async def test_queue_log_after_the_call_has_ended_still_names_the_agent(
    folder: LedgerFolder, database: Database
) -> None:
    ledger = scenario("caller_hangs_up_talking")
    folder.append(Ledger(ledger.cel, []))
    await read_all(folder, database)
    assert [call["agent_number"] for call in (await derived(database))["calls"]] == [None]
    folder.append(Ledger([], ledger.queue_log))
    await read_all(folder, database)
    assert [call["agent_number"] for call in (await derived(database))["calls"]] == ["1001"]


async def test_a_reader_that_runs_sees_lines_as_they_come(folder: LedgerFolder, database: Database) -> None:
    ledger = scenario("timeout")
    async with running(folder.reader(database)) as reader:
        await asyncio.wait_for(reader.caught_up(), timeout=30)
        folder.append(Ledger(ledger.cel[:8], []))
        await asyncio.wait_for(reader.caught_up(), timeout=30)
        assert [visit["outcome"] for visit in (await derived(database))["queue_visits"]] == ["open"]
        folder.append(Ledger(ledger.cel[8:], ledger.queue_log))
        await asyncio.wait_for(reader.caught_up(), timeout=30)
        assert [visit["outcome"] for visit in (await derived(database))["queue_visits"]] == ["overflowed"]


async def test_renamed_while_nobody_reads(folder: LedgerFolder, database: Database) -> None:
    first, second = scenario("timeout"), scenario("hold", series=2)
    folder.append(Ledger(first.cel[:5], []))
    await read_all(folder, database)
    folder.append(Ledger(first.cel[5:], []))
    folder.cel.rename(folder.cel.with_name("ledger.jsonl.1"))
    folder.append(second)
    await read_all(folder, database)
    assert await count(database, LedgerEvent) == len(first.cel) + len(second.cel)
    assert await alarms(database) == {}
    async with database.transaction() as session:
        finished = await session.scalars(
            select(LedgerFile.finished_at.is_not(None)).where(LedgerFile.kind == "cel").order_by(LedgerFile.id)
        )
        assert list(finished) == [True, False]


async def test_truncation_counts_nothing_twice_and_raises_a_gap(folder: LedgerFolder, database: Database) -> None:
    first, second = scenario("timeout"), scenario("hold", series=2)
    folder.append(first)
    async with running(folder.reader(database)) as reader:
        await asyncio.wait_for(reader.caught_up(), timeout=30)
        os.truncate(folder.cel, 0)
        folder.append(Ledger(second.cel, []))
        await asyncio.wait_for(reader.caught_up(), timeout=30)
    await read_all(folder, database)
    assert await count(database, LedgerEvent) == len(first.cel) + len(second.cel)
    assert await alarms(database) == {("ledger_gap", "pbx1 cel"): 1}


async def test_bad_lines_are_kept_apart_and_told(folder: LedgerFolder, database: Database) -> None:
    ledger = scenario("timeout")
    bad = [b'{"eventtype":"CHAN_START","exten":"138\\"}', b"\x00\xff\x00", b"x" * 70_000]
    folder.append(Ledger([*ledger.cel[:4], *bad, *ledger.cel[4:]], [b"broken", *ledger.queue_log]))
    await read_all(folder, database)
    assert await count(database, LedgerEvent) == len(ledger.cel)
    assert await count(database, LedgerQuarantine) == 4
    assert await alarms(database) == {
        ("ledger_bad_line", "pbx1 cel"): 3,
        ("ledger_bad_line", "pbx1 queue_log"): 1,
    }
    assert [visit["outcome"] for visit in (await derived(database))["queue_visits"]] == ["overflowed"]
    async with database.transaction() as session:
        kept = await session.scalars(select(LedgerQuarantine.reason).order_by(LedgerQuarantine.id))
        assert sorted(kept) == ["missing_field", "not_json", "nul", "too_long"]
        await session.execute(update(LedgerFile).values(offset=0))
    await read_all(folder, database)
    assert await count(database, LedgerQuarantine) == 4


async def test_a_line_that_the_database_refuses_does_not_stop_the_others(
    folder: LedgerFolder, database: Database
) -> None:
    ledger = scenario("timeout")
    folder.append(ledger)
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE ledger_events_by_month ADD CHECK (kind <> 'CC_STEP')"))
    await read_all(folder, database)
    assert await count(database, LedgerEvent) == len(ledger.cel) - 2
    async with database.transaction() as session:
        assert set(await session.scalars(select(LedgerQuarantine.reason))) == {"refused_by_database"}
    assert [visit["outcome"] for visit in (await derived(database))["queue_visits"]] == ["overflowed"]


async def test_killed_in_the_middle_of_a_batch(folder: LedgerFolder, database: Database) -> None:
    """Lines stored, then the process dies before the commit: nothing remains, the next reader has all."""
    ledger = scenario("hold")
    folder.append(ledger)
    batch = LedgerTail(folder.cel, LedgerKind.CEL).read()
    assert batch is not None
    async with database.engine.connect() as connection, AsyncSession(connection) as session:
        await service.ingest(session, [service.read_lines(batch)], pbx=PBX, plan=PLAN)
        pid = await session.scalar(text("SELECT pg_backend_pid()"))
        async with database.transaction() as killer:
            await killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        await connection.invalidate()
    assert await count(database, LedgerEvent) == 0
    await read_all(folder, database)
    assert await count(database, LedgerEvent) == len(ledger.cel)
    assert await count(database, QueueVisit) == 1


async def test_a_database_that_goes_away_loses_nothing(folder: LedgerFolder, tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", fast=True)
    server.start()
    url = server.url("callcenter")
    await asyncio.to_thread(upgrade, url)
    database = Database(url)
    ledger = scenario("hold")
    try:
        async with running(folder.reader(database)) as reader:
            folder.append(Ledger(ledger.cel[:9], []))
            await asyncio.wait_for(reader.caught_up(), timeout=30)
            await asyncio.to_thread(server.stop)
            folder.append(Ledger(ledger.cel[9:], ledger.queue_log))
            await asyncio.to_thread(server.start)
            await asyncio.wait_for(reader.caught_up(), timeout=30)
        assert await count(database, LedgerEvent) == len(ledger.cel)
        assert [visit["outcome"] for visit in (await derived(database))["queue_visits"]] == ["answered"]
    finally:
        await database.close()
        await asyncio.to_thread(server.stop)


async def test_two_readers_at_once_store_each_line_once(folder: LedgerFolder, database: Database) -> None:
    story = whole_story()
    folder.append(story)
    await asyncio.gather(*(read_all(folder, database) for _ in range(2)))
    assert await count(database, LedgerEvent) == len(story.cel)
    assert await alarms(database) == {}


async def test_what_was_read_ahead_of_a_failed_batch_is_read_again(
    folder: LedgerFolder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far behind: while a batch is stored, the next one is read."""
    for module in (ledger_files, reader_module):
        monkeypatch.setattr(module, "BATCH_BYTES", dict.fromkeys(LedgerKind, 4_096))
    failures = iter([None, OSError("the connection broke"), None, None, OSError("again")])
    ingest = service.ingest

    async def ingest_or_fail(*args: Any, **kwargs: Any) -> Any:
        newest = await ingest(*args, **kwargs)
        if failure := next(failures, None):
            raise failure
        return newest

    monkeypatch.setattr(service, "ingest", ingest_or_fail)
    story = whole_story()
    folder.append(story)
    await read_all(folder, database)
    assert next(failures, "all of them") == "all of them"
    assert await count(database, LedgerEvent) == len(story.cel)
    assert await count(database, Call) == len(ALL) + 1
    assert await alarms(database) == {}


async def test_a_new_file_beside_a_known_one_is_no_second_reading(folder: LedgerFolder, database: Database) -> None:
    ledger = scenario("timeout")
    folder.append(Ledger(ledger.cel[:5], []))
    await read_all(folder, database)
    folder.append(Ledger(ledger.cel[5:], ledger.queue_log))
    async with database.transaction() as session:
        known = await service.list_known_files(session, PBX, LedgerKind.CEL)
        batches = [
            LedgerTail(folder.cel, LedgerKind.CEL, known).read(),
            LedgerTail(folder.queue_log, LedgerKind.QUEUE_LOG).read(),
        ]
        await ledger_queries.begin_writing(session, PBX)
        found = await ledger_queries.claim_files(session, PBX, [one for one in batches if one], now())
        assert [(file.stood_at, file.has_stored) for file in found] == [(known[0].offset, False), (0, False)]


async def test_handlers_get_each_new_event_and_the_calls_once_and_their_fault_stops_nothing(
    folder: LedgerFolder, database: Database
) -> None:
    seen: list[str] = []

    async def on_step(event: CelRecord, _session: AsyncSession) -> None:
        seen.append(event.payload["step"])
        if event.payload["step"] == "menu":
            raise RuntimeError("handler's fault")

    async def on_calls(calls: list[DerivedCall], session: AsyncSession) -> None:
        assert await session.get(Call, calls[0].id) is not None  # what it gets is already written
        seen.append(calls[0].outcome)

    folder.append(scenario("timeout"))
    handlers = LedgerHandlers(on_event={"CC_STEP": on_step}, on_calls=[on_calls])  # type: ignore[list-item]
    await read_all(folder, database, handlers)
    async with database.transaction() as session:
        await session.execute(update(LedgerFile).values(offset=0))
    await read_all(folder, database, handlers)
    assert seen[:3] == ["menu", "bye", "not_served"]
    assert "menu" not in seen[3:]  # an event that was read before is no event again
    assert await alarms(database) == {("ledger_handler_failed", "CC_STEP"): 1}


async def test_a_fault_at_the_end_of_one_call_is_not_the_others(folder: LedgerFolder, database: Database) -> None:
    told: list[int] = []
    guilty: list[str] = []

    async def on_ends(ends: Sequence[CelRecord], session: AsyncSession) -> None:
        told.append(len(ends))
        for end in ends:
            await raise_alarm(session, "told", key=end.linkedid)
        guilty.extend([ends[0].linkedid] if not guilty else [])
        if any(end.linkedid == guilty[0] for end in ends):
            raise RuntimeError("handler's fault")

    for series in (1, 2, 3):
        folder.append(scenario("timeout", series=series, start=series * 60))
    await read_all(folder, database, LedgerHandlers(on_ends=[on_ends]))
    assert told == [3, 1, 1, 1]
    found = await alarms(database)
    assert found.pop(("ledger_handler_failed", "LINKEDID_END")) == 1
    assert list(found.values()) == [1, 1], "of the two others, once each"


async def test_who_may_not_write_any_more_stops_reading(folder: LedgerFolder, database_url: str) -> None:
    """Whoever leads now reads on; this engine must end, not try again for ever."""
    leads = True

    def fence() -> None:
        if not leads:
            raise LeadershipLost("engine")

    database = Database(database_url, fence=fence)
    task = asyncio.create_task((reader := folder.reader(database)).run(asyncio.Event()))
    await asyncio.wait_for(reader.caught_up(), timeout=30)
    leads = False
    folder.append(whole_story())
    done, _ = await asyncio.wait({task}, timeout=30)
    assert done, "it reads on"
    with pytest.raises(LeadershipLost):
        task.result()
    await database.close()
