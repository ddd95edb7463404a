"""A PBX's two ledger files in a folder of the test's own, a reader over them, and what it made of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from callcenter.calls.models import Call, CallStep, LedgerEvent, Leg, QueueLogEvent, QueueVisit, Recording
from callcenter.calls.reader import LedgerReader
from callcenter.calls.service import LedgerHandlers
from callcenter.core.db import Base, Database
from callcenter.core.phone_numbers import NumberPlan
from tests.support.ledger_tables import Ledger

PBX = "pbx1"
PLAN = NumberPlan()
_NOT_COMPARED = frozenset({"id", "derived_at", "file_id"})


class LedgerFolder:
    """Both files as Asterisk writes them."""

    def __init__(self, folder: Path) -> None:
        self.cel = folder / "ledger.jsonl"
        self.queue_log = folder / "queue_log"

    def append(self, ledger: Ledger) -> None:
        for path, lines in ((self.cel, ledger.cel), (self.queue_log, ledger.queue_log)):
            with path.open("ab") as file:
                file.writelines(line + b"\n" for line in lines)

    def reader(self, database: Database, handlers: LedgerHandlers | None = None) -> LedgerReader:
        return LedgerReader(
            database,
            pbx=PBX,
            ledger_file=self.cel,
            queue_log_file=self.queue_log,
            plan=PLAN,
            handlers=handlers,
            poll_seconds=0.01,
            settle_seconds=0,
        )


@asynccontextmanager
async def running(reader: LedgerReader) -> AsyncIterator[LedgerReader]:
    stop = asyncio.Event()
    task = asyncio.create_task(reader.run(stop))
    try:
        yield reader
    finally:
        stop.set()
        await asyncio.wait_for(task, timeout=30)


async def read_all(folder: LedgerFolder, database: Database, handlers: LedgerHandlers | None = None) -> None:
    """A reader that starts, reads what is there and stops."""
    async with running(folder.reader(database, handlers)) as reader:
        await asyncio.wait_for(reader.caught_up(), timeout=30)


async def rows(database: Database, model: type[Base]) -> list[dict[str, Any]]:
    """All rows, without what differs between two readings of the same lines."""
    async with database.transaction() as session:
        found = (await session.scalars(select(model))).all()
    names = [
        column.key
        for column in model.__table__.columns
        if column.key not in _NOT_COMPARED or (model is Call and column.key == "id")
    ]
    return sorted(({name: getattr(row, name) for name in names} for row in found), key=repr)


async def derived(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Everything that is derived from the ledger."""
    return {
        model.__tablename__.removesuffix("_by_month"): await rows(database, model)
        for model in (Call, Leg, QueueVisit, CallStep, Recording)
    }


async def stored(database: Database) -> dict[str, list[dict[str, Any]]]:
    """The lines as they were read."""
    return {
        model.__tablename__.removesuffix("_by_month"): await rows(database, model)
        for model in (LedgerEvent, QueueLogEvent)
    }
