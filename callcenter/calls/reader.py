"""Follows Asterisk's two ledger files and brings every line into the database: late perhaps, lost never."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg
import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import LedgerKind
from callcenter.asterisk.ledger_files import BATCH_BYTES, SETTLE_SECONDS, KnownFile, LedgerTail
from callcenter.calls import service
from callcenter.calls.errors import LedgerOutOfStep
from callcenter.calls.open_calls import OpenCalls
from callcenter.calls.service import LedgerHandlers, ReadLines
from callcenter.core.db import CONNECTION_FAULTS, Database
from callcenter.core.leadership import LeadershipLost
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.waiting import wait_at_most

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
OPEN_CALLS_SECONDS = 2.0
"""How old the record of a call that goes on may be. What ended, or a handler is told of, is written at once."""
_BEHIND_SECONDS = 30.0
"""The same while the reader is far behind: what it derives then, it derives again a moment later."""
_BACK_OFF_SECONDS = (0.2, 5.0)
_LAG_EVERY_SECONDS = 5.0
_BAD_DATA_CLASSES = ("22", "23")
"""SQLSTATE classes "data exception" and "integrity constraint violation": the line's fault, not an outage."""

_BYTES_BEHIND = Gauge("callcenter_ledger_bytes_behind", "Bytes on disk not yet in the database.", ["pbx", "kind"])
_LAST_EVENT = Gauge("callcenter_ledger_last_event_seconds", "Unix time of the newest line read.", ["pbx"])
_SINCE_LAST_EVENT = Gauge("callcenter_ledger_since_last_event_seconds", "Seconds since the newest line read.", ["pbx"])
_LINES = Counter("callcenter_ledger_lines", "Lines brought into the database.", ["pbx", "kind"])
_FAILURES = Counter("callcenter_ledger_failures", "Batches that had to be tried again.", ["pbx"])


@dataclass(slots=True)
class _Progress:
    """Rounds that left nothing undone, so that somebody can wait for one."""

    idle_rounds: int = 0
    waiting: int = 0
    """How many wait for a round."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)


class LedgerReader:
    """The reader of one PBX. One of it at a time may run per PBX (the engine's advisory lock); two do no harm."""

    def __init__(
        self,
        database: Database,
        *,
        pbx: str,
        ledger_file: Path,
        queue_log_file: Path,
        plan: NumberPlan,
        handlers: LedgerHandlers | None = None,
        poll_seconds: float = POLL_SECONDS,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._database = database
        self._pbx = pbx
        self._paths = {LedgerKind.CEL: ledger_file, LedgerKind.QUEUE_LOG: queue_log_file}
        self._plan = plan
        self._handlers = handlers or LedgerHandlers()
        self._poll_seconds = poll_seconds
        self._settle_seconds = settle_seconds
        self._progress = _Progress()
        self._open_calls = OpenCalls()
        self._ahead: asyncio.Task[list[ReadLines]] | None = None
        self._derived_at = float("-inf")
        self._last_event_at: datetime | None = None
        self._lag_due_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Read until ``stop``. Whatever fails is tried again: the files keep what the database cannot take yet.

        Raises LeadershipLost when this process may not write any more.
        """
        delay_seconds = _BACK_OFF_SECONDS[0]
        while not stop.is_set():
            tails: list[LedgerTail] = []
            try:
                tails = await self._open_tails()
                while not stop.is_set():
                    is_idle = not await self._round(tails)
                    delay_seconds = _BACK_OFF_SECONDS[0]
                    if is_idle:
                        await self._tell_idle()
                    if is_idle or not (self._ahead or self._progress.waiting):
                        await wait_at_most(stop, self._poll_seconds)  # a few larger rounds cost less than many small
            except LeadershipLost:
                raise  # whoever leads now reads on
            except Exception as error:
                _FAILURES.labels(self._pbx).inc()
                if _is_outage(error):
                    log.warning("ledger_waits", pbx=self._pbx, reason=type(error).__name__)
                else:
                    log.exception("ledger_reader_failed", pbx=self._pbx)
                await wait_at_most(stop, delay_seconds)
                delay_seconds = min(delay_seconds * 2, _BACK_OFF_SECONDS[1])
            finally:
                await self._close(tails)

    async def caught_up(self) -> None:
        """Return once everything that is on disk now stands committed in the database. Needs :meth:`run` running."""
        async with self._progress.changed:
            wanted = self._progress.idle_rounds + 2  # the round under way may have looked before us
            self._progress.waiting += 1
            try:
                await self._progress.changed.wait_for(lambda: self._progress.idle_rounds >= wanted)
            finally:
                self._progress.waiting -= 1

    def forget_open_calls(self) -> None:
        """Lines of calls that go on were stored by somebody else, too: read them from the database."""
        self._open_calls.forget()

    async def _open_tails(self) -> list[LedgerTail]:
        tails = []
        async with self._database.transaction() as session:
            for kind, path in self._paths.items():
                known = await service.list_known_files(session, self._pbx, kind)
                tails.append(await asyncio.to_thread(self._open_tail, path, kind, known))
            self._open_calls.note_due(await service.find_due(session, self._pbx))
        return tails

    def _open_tail(self, path: Path, kind: LedgerKind, known: Sequence[KnownFile]) -> LedgerTail:
        return LedgerTail(path, kind, known, settle_seconds=self._settle_seconds)

    async def _round(self, tails: Sequence[LedgerTail]) -> bool:
        """A batch of each file, both in one transaction. Returns whether there was anything to do."""
        batches = await (self._ahead or asyncio.to_thread(_read, tails))
        is_behind = any(read.batch.end - read.batch.start > BATCH_BYTES[read.batch.kind] // 2 for read in batches)
        self._ahead = asyncio.create_task(asyncio.to_thread(_read, tails)) if is_behind else None
        if batches:
            await self._ingest(batches)
            for read in batches:
                _LINES.labels(self._pbx, read.batch.kind).inc(len(read.batch.lines))
        has_derived = await self._derive_due(
            after_seconds=_BEHIND_SECONDS if is_behind else OPEN_CALLS_SECONDS,
            at_once=not batches and self._progress.waiting > 0,
        )
        if time.monotonic() >= self._lag_due_at:
            await self._report_lag(tails)
            self._lag_due_at = time.monotonic() + _LAG_EVERY_SECONDS
        return bool(batches) or has_derived

    async def _close(self, tails: Sequence[LedgerTail]) -> None:
        """What was read ahead is read again, from where the database stands."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.wait({ahead})
        for tail in tails:
            tail.close()

    async def _derive_due(self, *, after_seconds: float, at_once: bool) -> bool:
        """Bring the calls that go on up to date, from time to time; whether there were any."""
        if not self._open_calls.has_due or (time.monotonic() < self._derived_at + after_seconds and not at_once):
            return False
        async with self._transaction() as session:
            await service.derive_due(session, self._open_calls, pbx=self._pbx, plan=self._plan, handlers=self._handlers)
        self._derived_at = time.monotonic()
        return True

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        """What is remembered of open calls follows what is committed."""
        try:
            async with self._database.transaction() as session:
                yield session
        except BaseException:
            self._open_calls.rollback()
            raise
        self._open_calls.commit()

    async def _ingest(self, batches: Sequence[ReadLines]) -> None:
        """Commit the batches; one that the database refuses is halved until the guilty line stands alone."""
        try:
            async with self._transaction() as session:
                at = await service.ingest(
                    session,
                    batches,
                    pbx=self._pbx,
                    plan=self._plan,
                    handlers=self._handlers,
                    open_calls=self._open_calls,
                )
        except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not _is_bad_data(error):
                raise
            await self._ingest_parts(batches, error)
        else:
            self._last_event_at = max(filter(None, (at, self._last_event_at)), default=None)

    async def _ingest_parts(self, batches: Sequence[ReadLines], error: Exception) -> None:
        for read in batches:
            if len(batches) > 1:
                await self._ingest([read])
            elif len(read.batch.lines) > 1:
                for half in read.halves():
                    await self._ingest([half])
            elif read.batch.lines:
                async with self._database.transaction() as session:
                    await service.quarantine_line(session, read, "refused_by_database", pbx=self._pbx)
            else:
                raise error

    async def _report_lag(self, tails: Sequence[LedgerTail]) -> None:
        for tail in tails:
            _BYTES_BEHIND.labels(self._pbx, tail.kind).set(await asyncio.to_thread(tail.bytes_behind))
        if self._last_event_at is not None:
            _LAST_EVENT.labels(self._pbx).set(self._last_event_at.timestamp())
            _SINCE_LAST_EVENT.labels(self._pbx).set(max(0.0, time.time() - self._last_event_at.timestamp()))

    async def _tell_idle(self) -> None:
        async with self._progress.changed:
            self._progress.idle_rounds += 1
            self._progress.changed.notify_all()


def _read(tails: Iterable[LedgerTail]) -> list[ReadLines]:
    """The next lines of each file, understood. If they do not get into the database, the files are opened anew."""
    read = []
    for tail in tails:
        batch = tail.read()
        if batch is not None:
            tail.confirm(batch)
            read.append(service.read_lines(batch))
    return read


def _is_bad_data(error: Exception) -> bool:
    """Whether a line is at fault; everything else is an outage, or ours, and is tried again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None) or ""
    return (
        sqlstate[:2] in _BAD_DATA_CLASSES
        or isinstance(cause, ValueError)
        or isinstance(cause.__cause__ if cause else None, ValueError)
    )


def _is_outage(error: Exception) -> bool:
    known = (
        *CONNECTION_FAULTS,
        PoolTimeout,
        DBAPIError,
        LedgerOutOfStep,
    )
    return isinstance(error, known)
