"""From ledger lines to calls: one batch, one transaction; nothing counted twice, nothing dropped in silence."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, LedgerLineBad, LedgerRecord, QueueLogRecord, parse_line
from callcenter.asterisk.ledger_files import KEPT_OF_BAD_LINE_BYTES, FileIdentity, KnownFile, LedgerBatch, LedgerLine
from callcenter.asterisk.snapshot import PbxStart
from callcenter.calls import ledger_queries, queries
from callcenter.calls.derivation import derive_calls
from callcenter.calls.derive import DerivedCall
from callcenter.calls.errors import LedgerOutOfStep
from callcenter.calls.ledger_queries import ClaimedFile
from callcenter.calls.open_calls import OpenCalls
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan

log = structlog.get_logger(__name__)

EventHandler = Callable[[CelRecord, AsyncSession], Awaitable[None] | None]
"""Gets each new event of its kind once per time it is read; must be idempotent. None: nothing is to be done."""

EndsHandler = Callable[[Sequence[CelRecord], AsyncSession], Awaitable[None] | None]
"""Gets the ends of a batch's calls (``LINKEDID_END``); must be idempotent. None: nothing is to be done."""

CallsHandler = Callable[[Sequence[DerivedCall], AsyncSession], Awaitable[None] | None]
"""Gets the calls of a batch as they now are; must be idempotent. None: nothing is to be done."""


@dataclass(frozen=True, slots=True)
class LedgerHandlers:
    """What the domains above do with the ledger, composed by the engine. Run in the batch's transaction."""

    on_event: Mapping[str, EventHandler] = field(default_factory=dict)
    """By kind of event (``CC_COMPLAINT``)."""
    on_ends: Sequence[EndsHandler] = ()
    on_calls: Sequence[CallsHandler] = ()


_NO_HANDLERS = LedgerHandlers()

_MATTER = frozenset(
    {"BRIDGE_ENTER", "BRIDGE_EXIT", "HANGUP", "LINKEDID_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "LOCAL_OPTIMIZE"}
)
_END = "LINKEDID_END"
_AFTER = timedelta(microseconds=1)
_USER_EVENT_PREFIX = "CC_"
_QUEUE_LOG_MATTER = frozenset({"CONNECT", "EXITWITHKEY"})


@dataclass(frozen=True, slots=True)
class ReadLines:
    """A batch and what its lines say: ``good`` by offset, ``bad`` with why."""

    batch: LedgerBatch
    good: Sequence[tuple[int, LedgerRecord]]
    bad: Sequence[tuple[LedgerLine, str]]

    def halves(self) -> "tuple[ReadLines, ReadLines]":
        """For finding the one line that a database refuses. Needs two lines."""
        first, second = self.batch.halves()
        return read_lines(first), read_lines(second)


def read_lines(batch: LedgerBatch) -> ReadLines:
    """Takes a while for a large one: run it in a thread."""
    good: list[tuple[int, LedgerRecord]] = []
    bad: list[tuple[LedgerLine, str]] = []
    for line in batch.lines:
        offset, content, fault = line
        try:
            if fault:
                raise LedgerLineBad(fault)
            good.append((offset, parse_line(batch.kind, content)))
        except LedgerLineBad as error:
            bad.append((line, error.reason))
    return ReadLines(batch, good, bad)


async def list_known_files(session: AsyncSession, pbx: str, kind: str) -> list[KnownFile]:
    """How far each of this PBX's files of this kind was read."""
    return [
        KnownFile(FileIdentity(file.device, file.inode, file.head_digest), file.offset, file.finished_at is not None)
        for file in await ledger_queries.list_ledger_files(session, pbx, kind)
    ]


async def ingest(
    session: AsyncSession,
    batches: Sequence[ReadLines],
    *,
    pbx: str,
    plan: NumberPlan,
    handlers: LedgerHandlers = _NO_HANDLERS,
    open_calls: OpenCalls | None = None,
) -> datetime | None:
    """Store the lines, move the files' offsets, derive the calls they touch. Returns the newest line's time.

    With ``open_calls`` only calls that ended, and those of which a handler is told; the others become due there, for
    :func:`derive_due`. Lines that were stored before are not stored again. Raises LedgerOutOfStep if a batch would
    leave a hole.
    """
    await ledger_queries.begin_writing(session, pbx)
    now_only = OpenCalls() if open_calls is None else open_calls
    records: list[LedgerRecord] = []
    files = await _claim(session, [read.batch for read in batches], pbx=pbx)
    for read, file in zip(batches, files, strict=True):
        new = await _store(session, read, file, pbx=pbx)
        if file.has_stored:
            now_only.forget()
        records.extend(record for _, record in new)
    events = [record for record in records if isinstance(record, CelRecord)]
    urgent = await _note_calls(session, records, events, now_only, handlers)
    wanted = now_only.take_due(None if open_calls is None else urgent)
    calls = await derive_calls(session, pbx, wanted, plan=plan, open_calls=now_only)
    if open_calls is None:
        await ledger_queries.note_all_derived(session, pbx)
    for event in events:
        if event.kind == _END:
            now_only.end(event.linkedid)
    await _run_handlers(session, events, calls, handlers)
    return max((record.at for record in records), default=None)


async def derive_due(
    session: AsyncSession, open_calls: OpenCalls, *, pbx: str, plan: NumberPlan, handlers: LedgerHandlers = _NO_HANDLERS
) -> None:
    """Derive all that :func:`ingest` left for later."""
    await ledger_queries.begin_writing(session, pbx)
    calls = await derive_calls(session, pbx, open_calls.take_due(), plan=plan, open_calls=open_calls)
    await ledger_queries.note_all_derived(session, pbx)
    await _run_handlers(session, (), calls, handlers)


async def find_due(session: AsyncSession, pbx: str) -> set[str]:
    """Calls that were left for later by a reader that is gone."""
    return await ledger_queries.find_calls_not_derived(session, pbx)


async def close_lost_calls(
    session: AsyncSession, pbx: str, start: PbxStart, *, live: Collection[str], plan: NumberPlan
) -> int:
    """Asterisk was started: what was open before ended with it. Returns how many calls. ``live``: linkedids since.

    Each becomes ``node_lost``; its end lies between its last known event (``ended_at``) and the start. Call it when
    the reader has caught up, so that calls which ended well are known to have. Repeating it changes nothing.
    """
    await ledger_queries.begin_writing(session, pbx)
    gone = await queries.list_gone_calls(session, pbx, before=start.latest, live=live)
    started_at = max([start.earliest, *(begun_at + _AFTER for _, begun_at in gone)])
    await queries.note_boot(session, pbx, started_at)
    calls = await derive_calls(session, pbx, [call_id for call_id, _ in gone], plan=plan)
    lost = [call for call in calls if call.state == "node_lost"]
    if lost:
        log.warning("calls_lost", pbx=pbx, calls=len(lost))
        await raise_alarm(
            session, "node_lost", key=f"{pbx} {started_at.isoformat()}", severity="critical", pbx=pbx, calls=len(lost)
        )
    return len(lost)


async def find_call_id(session: AsyncSession, linkedid: str) -> str | None:
    """The call that this linkedid belongs to, if it is known yet."""
    return await queries.find_call_id(session, linkedid)


async def find_last_agent(
    session: AsyncSession, *, e164: str | None, patient_id: UUID | None, since: datetime
) -> str | None:
    """Number of the agent who last talked with this caller in a call begun at or after ``since``.

    Asked by ``patient_id`` (pass it only when verified), and if that finds nobody by the caller's number; a call
    still going on counts. Whoever only took a complaint does not: the complaint is about the one before.
    """
    found = None
    if patient_id is not None:
        found = await queries.find_last_agent_of_patient(session, patient_id, since=since)
    if found is None and e164 is not None:
        found = await queries.find_last_agent_of_number(session, e164, since=since)
    return found


async def quarantine_line(session: AsyncSession, read: ReadLines, reason: str, *, pbx: str) -> None:
    """Set aside the one line of ``read``, which the database refuses, and go on behind it."""
    await ledger_queries.begin_writing(session, pbx)
    (file,) = await _claim(session, [read.batch], pbx=pbx)
    await _quarantine(session, file, [(line, reason) for line in read.batch.lines], pbx=pbx, kind=read.batch.kind)


async def _claim(session: AsyncSession, batches: Sequence[LedgerBatch], *, pbx: str) -> list[ClaimedFile]:
    files = await ledger_queries.claim_files(session, pbx, batches, now())
    for batch, file in zip(batches, files, strict=True):
        if batch.start > file.stood_at:
            raise LedgerOutOfStep(file_id=file.id, stored=file.stood_at, read=batch.start)
    return files


async def _store(
    session: AsyncSession, read: ReadLines, file: ClaimedFile, *, pbx: str
) -> Sequence[tuple[int, LedgerRecord]]:
    """Of the batch's records those that are new."""
    batch = read.batch
    new = read.good
    if file.has_stored:
        stored = await ledger_queries.find_stored(session, batch.kind, file.id, batch.start, batch.end)
        new = [(offset, record) for offset, record in new if offset not in stored]
    await ledger_queries.insert_lines(session, batch.kind, file.id, pbx, new)
    await _quarantine(session, file, read.bad, pbx=pbx, kind=batch.kind)
    if batch.gap:
        await ledger_queries.finish_other_files(session, pbx, batch.kind, file.id, now())
        log.error("ledger_gap", pbx=pbx, kind=batch.kind, reason=batch.gap)
        await raise_alarm(
            session, "ledger_gap", key=f"{pbx} {batch.kind}", severity="critical", pbx=pbx, reason=batch.gap
        )
    return new


async def _quarantine(
    session: AsyncSession, file: ClaimedFile, bad: Iterable[tuple[LedgerLine, str]], *, pbx: str, kind: str
) -> None:
    rows = [(line.offset, reason, _readable(line.text)) for line, reason in bad]
    new = await ledger_queries.quarantine(session, file.id, rows, now())
    for offset, reason, _ in rows:
        if offset in new:
            log.error("ledger_bad_line", pbx=pbx, kind=kind, offset=offset, reason=reason)
            await raise_alarm(
                session,
                "ledger_bad_line",
                key=f"{pbx} {kind}",
                pbx=pbx,
                file_id=file.id,
                offset=offset,
                reason=reason,
            )


def _readable(text: bytes) -> str:
    """As PostgreSQL can keep it: what is no UTF-8, and NUL, as escapes."""
    return text[:KEPT_OF_BAD_LINE_BYTES].decode(errors="backslashreplace").replace("\x00", "\\x00")


async def _note_calls(
    session: AsyncSession,
    records: Iterable[LedgerRecord],
    events: Sequence[CelRecord],
    open_calls: OpenCalls,
    handlers: LedgerHandlers,
) -> set[str]:
    """Note the lines with their calls, and which calls are to be derived; returns those of them that cannot wait."""
    linkedids = {event.linkedid for event in events}
    call_ids = {linkedid: linkedid for linkedid in linkedids if open_calls.knows(linkedid)}
    links, new = await ledger_queries.link_calls(session, linkedids - call_ids.keys())
    call_ids |= links
    open_calls.begin(new)
    open_calls.add(events)
    telling = [event for event in events if event.kind in _MATTER or event.kind.startswith(_USER_EVENT_PREFIX)]
    due = {call_ids[event.linkedid] for event in telling}
    urgent = {call_ids[event.linkedid] for event in telling if event.kind == _END or event.kind in handlers.on_event}
    callids = {line.callid for line in records if isinstance(line, QueueLogRecord) and line.kind in _QUEUE_LOG_MATTER}
    for call_id in await ledger_queries.find_calls_of_channels(session, callids):
        (due if open_calls.knows(call_id) else urgent).add(call_id)
    open_calls.note_due(due | urgent)
    return urgent


async def _run_handlers(
    session: AsyncSession, events: Sequence[CelRecord], calls: Sequence[DerivedCall], handlers: LedgerHandlers
) -> None:
    for event in events:
        handler = handlers.on_event.get(event.kind)
        if handler is not None:
            await _run_handler(session, partial(handler, event, session), event.kind)
    ends = [event for event in events if event.kind == _END]
    for on_ends in handlers.on_ends if ends else ():
        await _tell_of_ends(session, on_ends, ends)
    for on_calls in handlers.on_calls if calls else ():
        await _run_handler(session, partial(on_calls, calls, session), "calls")


async def _tell_of_ends(session: AsyncSession, handler: EndsHandler, ends: Sequence[CelRecord]) -> None:
    """All in one, which is cheaper; if that fails, one by one: the fault of one is not the others'."""
    if len(ends) > 1:
        try:
            await _in_savepoint(session, partial(handler, ends, session))
        except Exception:
            log.exception("ledger_handler_halted", kind=_END)
        else:
            return
    for end in ends:
        await _run_handler(session, partial(handler, [end], session), _END)


async def _run_handler(session: AsyncSession, begin: Callable[[], Awaitable[None] | None], kind: str) -> None:
    """In a savepoint: a handler's fault undoes its own work, raises an alarm, and the ledger goes on."""
    try:
        await _in_savepoint(session, begin)
    except Exception:
        log.exception("ledger_handler_failed", kind=kind)
        await raise_alarm(session, "ledger_handler_failed", key=kind, severity="critical")


async def _in_savepoint(session: AsyncSession, begin: Callable[[], Awaitable[None] | None]) -> None:
    work = begin()
    if work is not None:
        async with session.begin_nested():
            await work
