"""What is live and what is written, compared: silence raises an alarm, a call without an end gets one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.calls.cross_check import CUT, SILENT, LedgerCrossCheck
from callcenter.calls.models import Call, QueueVisit
from callcenter.calls.reader import LedgerReader
from callcenter.core.alarms import Alarm
from callcenter.core.db import Database
from tests.support.ledger_reading import PBX, PLAN, LedgerFolder, derived, running
from tests.support.ledger_tables import Ledger, scenario


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return LedgerFolder(tmp_path)


@pytest.fixture
async def reader(folder: LedgerFolder, database: Database) -> AsyncIterator[LedgerReader]:
    async with running(folder.reader(database)) as reader:
        yield reader


class Live:
    """What Asterisk would show."""

    def __init__(self, *linkedids: str) -> None:
        self.linkedids = set(linkedids)
        self.is_away = False

    async def __call__(self) -> set[str]:
        if self.is_away:
            raise ConnectionError
        return set(self.linkedids)


def check_of(database: Database, reader: LedgerReader, live: Live, gone_seconds: float = 0.0) -> LedgerCrossCheck:
    return LedgerCrossCheck(database, reader, live, pbx=PBX, plan=PLAN, gone_seconds=gone_seconds)


async def alarms(database: Database) -> dict[str, int]:
    async with database.transaction() as session:
        return {alarm.kind: alarm.details["calls"] for alarm in await session.scalars(select(Alarm))}


async def test_what_is_written_is_no_alarm(folder: LedgerFolder, database: Database, reader: LedgerReader) -> None:
    story = scenario("timeout")
    live = Live(story.events[0].linkedid)
    check = check_of(database, reader, live)
    await check.look()  # the line comes after the first look: it may
    folder.append(Ledger(story.cel[:1], []))
    await check.look()
    folder.append(Ledger(story.cel[1:], story.queue_log))
    live.linkedids = set()
    for _ in range(3):
        await check.look()
    assert await alarms(database) == {}


async def test_calls_in_no_line_are_told_at_the_second_look(database: Database, reader: LedgerReader) -> None:
    live = Live("pbx1-1.7", "pbx1-1.8")
    check = check_of(database, reader, live)
    await check.look()
    assert await alarms(database) == {}
    live.linkedids = set()  # they are over already: told all the same
    await check.look()
    assert await alarms(database) == {SILENT: 2}
    await check.look()
    assert await alarms(database) == {SILENT: 2}


async def test_a_call_without_an_end_is_closed_with_what_is_known(
    folder: LedgerFolder, database: Database, reader: LedgerReader
) -> None:
    story = scenario("timeout")
    folder.append(Ledger(story.cel[:8], []))
    check = check_of(database, reader, Live())
    await check.look()
    call, visit = await only_call(database)
    assert (call.state, call.ended_at, visit.outcome) == ("node_lost", story.events[7].at, "lost")
    assert await alarms(database) == {CUT: 1}
    before = await derived(database)
    await check.look()
    assert (await derived(database), await alarms(database)) == (before, {CUT: 1})


async def test_lines_that_come_after_all_make_it_whole(
    folder: LedgerFolder, database: Database, reader: LedgerReader
) -> None:
    story = scenario("timeout")
    folder.append(Ledger(story.cel[:8], []))
    await check_of(database, reader, Live()).look()
    folder.append(Ledger(story.cel[8:], story.queue_log))
    await reader.caught_up()
    call, visit = await only_call(database)
    assert (call.state, visit.outcome) == ("finished", "overflowed")


async def test_a_call_goes_on_being_open_while_it_is_live_or_nobody_can_tell(
    folder: LedgerFolder, database: Database, reader: LedgerReader
) -> None:
    story = scenario("timeout")
    folder.append(Ledger(story.cel[:8], []))
    live = Live(story.events[0].linkedid)
    await check_of(database, reader, live).look()
    live.linkedids = set()
    patient = check_of(database, reader, live, gone_seconds=3600)
    await patient.look()
    live.is_away = True
    with pytest.raises(ConnectionError):
        await patient.look()
    call, _ = await only_call(database)
    assert call.state == "open"
    assert await alarms(database) == {}


async def only_call(database: Database) -> tuple[Call, QueueVisit]:
    async with database.transaction() as session:
        return (await session.scalars(select(Call))).one(), (await session.scalars(select(QueueVisit))).one()
