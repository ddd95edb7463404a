"""From ledger lines to calls: one batch, one transaction; nothing counted twice, nothing dropped in silence."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, LedgerLineBad, LedgerRecord, QueueLogRecord, parse_line
from callcenter.asterisk.ledger_files import KEPT_OF_BAD_LINE_BYTES, FileIdentity, KnownFile, LedgerBatch, LedgerLine
from callcenter.calls import queries
from callcenter.calls.derivation import derive_calls
from callcenter.calls.derive import DerivedCall
from callcenter.calls.errors import LedgerOutOfStep
from callcenter.calls.models import LedgerFile
from callcenter.calls.open_calls import OpenCalls
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan

log = structlog.get_logger(__name__)

EventHandler = Callable[[CelRecord, AsyncSession], Awaitable[None] | None]
"""Gets each new event of its kind once per time it is read; must be idempotent. None: nothing is to be done."""

CallsHandler = Callable[[Sequence[DerivedCall], AsyncSession], Awaitable[None]]
"""Gets the calls of a batch as they now are; must be idempotent."""


@dataclass(frozen=True, slots=True)
class LedgerHandlers:
    """What the domains above do with the ledger, composed by the engine. Run in the batch's transaction."""

    on_event: Mapping[str, EventHandler] = field(default_factory=dict)
    """By kind of event: a user event of ours (``CC_COMPLAINT``), or one of Asterisk's (``LINKEDID_END``)."""
    on_calls: Sequence[CallsHandler] = ()


_NO_HANDLERS = LedgerHandlers()
_IN_A_THREAD = 500
"""From so many lines on: the event loop has other work."""
_WITHOUT_SYNC = text("SET LOCAL synchronous_commit = off")
_MATTER = frozenset(
    {"BRIDGE_ENTER", "BRIDGE_EXIT", "HANGUP", "LINKEDID_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "LOCAL_OPTIMIZE"}
)
_END = "LINKEDID_END"
_USER_EVENT_PREFIX = "CC_"
_QUEUE_LOG_MATTER = frozenset({"CONNECT", "EXITWITHKEY"})


async def list_known_files(session: AsyncSession, pbx: str, kind: str) -> list[KnownFile]:
    """How far each of this PBX's files of this kind was read."""
    return [
        KnownFile(FileIdentity(file.device, file.inode, file.head_digest), file.offset, file.finished_at is not None)
        for file in await queries.list_ledger_files(session, pbx, kind)
    ]


async def ingest(
    session: AsyncSession,
    batches: Sequence[LedgerBatch],
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
    # not synced to disk: the files are the truth, and a commit lost with its offset is read again
    await session.execute(_WITHOUT_SYNC)
    now_only = OpenCalls() if open_calls is None else open_calls
    records: list[LedgerRecord] = []
    for batch in batches:
        new, is_first_reading = await _store(session, batch, pbx=pbx)
        if not is_first_reading:
            now_only.forget()
        records.extend(new)
    urgent = await _note_calls(session, records, now_only, handlers)
    wanted = now_only.take_due(None if open_calls is None else urgent)
    calls = await derive_calls(session, pbx, wanted, plan=plan, open_calls=now_only)
    if open_calls is None:
        await queries.note_all_derived(session, pbx)
    for record in records:
        if record.kind == _END and isinstance(record, CelRecord):
            now_only.end(record.linkedid)
    await _run_handlers(session, records, calls, handlers)
    return max((record.at for record in records), default=None)


async def derive_due(
    session: AsyncSession, open_calls: OpenCalls, *, pbx: str, plan: NumberPlan, handlers: LedgerHandlers = _NO_HANDLERS
) -> None:
    """Derive all that :func:`ingest` left for later."""
    await session.execute(_WITHOUT_SYNC)
    calls = await derive_calls(session, pbx, open_calls.take_due(), plan=plan, open_calls=open_calls)
    await queries.note_all_derived(session, pbx)
    await _run_handlers(session, (), calls, handlers)


async def find_due(session: AsyncSession, pbx: str) -> set[str]:
    """Calls that were left for later by a reader that is gone."""
    return await queries.find_calls_not_derived(session, pbx)


async def close_lost_calls(session: AsyncSession, pbx: str, started_at: datetime, *, plan: NumberPlan) -> int:
    """Asterisk was started at ``started_at``: what was open before ended with it. Returns how many calls.

    Each becomes ``node_lost``; its end lies between its last known event (``ended_at``) and ``started_at``. Call it
    when the reader has caught up, so that calls which ended well are known to have. Repeating it changes nothing.
    """
    await queries.add_boot(session, pbx, started_at)
    open_calls = await queries.list_open_calls(session, pbx, before=started_at)
    calls = await derive_calls(session, pbx, open_calls, plan=plan)
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


async def quarantine_line(session: AsyncSession, batch: LedgerBatch, reason: str, *, pbx: str) -> None:
    """Set aside the one line of ``batch``, which the database refuses, and go on behind it."""
    file = await _lock(session, batch, pbx=pbx)
    await _quarantine(session, file, [(line, reason) for line in batch.lines])
    _advance(file, batch)


async def _store(session: AsyncSession, batch: LedgerBatch, *, pbx: str) -> tuple[list[LedgerRecord], bool]:
    """The batch's records that are new, and whether all are."""
    file = await _lock(session, batch, pbx=pbx)
    good, bad = await asyncio.to_thread(_parse, batch) if len(batch.lines) >= _IN_A_THREAD else _parse(batch)
    stored = await queries.find_stored(session, batch.kind, file.id, batch.start, batch.end)
    new = [(offset, record) for offset, record in good if offset not in stored]
    await queries.insert_lines(session, batch.kind, file.id, pbx, new)
    is_first_reading = not stored and batch.start == file.offset
    await _quarantine(session, file, bad)
    if batch.gap:
        await queries.finish_other_files(session, file, now())
        log.error("ledger_gap", pbx=pbx, kind=batch.kind, reason=batch.gap)
        await raise_alarm(
            session, "ledger_gap", key=f"{pbx} {batch.kind}", severity="critical", pbx=pbx, reason=batch.gap
        )
    _advance(file, batch)
    return [record for _, record in new], is_first_reading


def _parse(batch: LedgerBatch) -> tuple[list[tuple[int, LedgerRecord]], list[tuple[LedgerLine, str]]]:
    good: list[tuple[int, LedgerRecord]] = []
    bad: list[tuple[LedgerLine, str]] = []
    for line in batch.lines:
        try:
            if line.fault:
                raise LedgerLineBad(line.fault)
            good.append((line.offset, parse_line(batch.kind, line.text)))
        except LedgerLineBad as error:
            bad.append((line, error.reason))
    return good, bad


async def _lock(session: AsyncSession, batch: LedgerBatch, *, pbx: str) -> LedgerFile:
    file = await queries.lock_ledger_file(session, pbx, batch.kind, batch.identity, offset=batch.start, at=now())
    if batch.start > file.offset:
        raise LedgerOutOfStep(file_id=file.id, stored=file.offset, read=batch.start)
    return file


def _advance(file: LedgerFile, batch: LedgerBatch) -> None:
    if file.derived_offset is None:
        file.derived_offset = file.offset
    file.offset = max(file.offset, batch.end)
    file.device, file.inode = batch.identity.device, batch.identity.inode
    file.finished_at = (file.finished_at or now()) if batch.finished else None


async def _quarantine(session: AsyncSession, file: LedgerFile, bad: Iterable[tuple[LedgerLine, str]]) -> None:
    rows = [(line.offset, reason, _readable(line.text)) for line, reason in bad]
    new = await queries.quarantine(session, file.id, rows, now())
    for offset, reason, _ in rows:
        if offset in new:
            log.error("ledger_bad_line", pbx=file.pbx, kind=file.kind, offset=offset, reason=reason)
            await raise_alarm(
                session,
                "ledger_bad_line",
                key=f"{file.pbx} {file.kind}",
                pbx=file.pbx,
                file_id=file.id,
                offset=offset,
                reason=reason,
            )


def _readable(text: bytes) -> str:
    """As PostgreSQL can keep it: what is no UTF-8, and NUL, as escapes."""
    return text[:KEPT_OF_BAD_LINE_BYTES].decode(errors="backslashreplace").replace("\x00", "\\x00")


async def _note_calls(
    session: AsyncSession, records: Iterable[LedgerRecord], open_calls: OpenCalls, handlers: LedgerHandlers
) -> set[str]:
    """Note the lines with their calls, and which calls are to be derived; returns those of them that cannot wait."""
    events = [record for record in records if isinstance(record, CelRecord)]
    linkedids = {event.linkedid for event in events}
    call_ids = {linkedid: linkedid for linkedid in linkedids if open_calls.knows(linkedid)}
    links, new = await queries.link_calls(session, linkedids - call_ids.keys())
    call_ids |= links
    open_calls.begin(new)
    due: set[str] = set()
    urgent: set[str] = set()
    for event in events:
        open_calls.add(event)
        kind = event.kind
        if kind in _MATTER or kind.startswith(_USER_EVENT_PREFIX):
            due.add(call_ids[event.linkedid])
            if kind == _END or kind in handlers.on_event:
                urgent.add(call_ids[event.linkedid])
    callids = {line.callid for line in records if isinstance(line, QueueLogRecord) and line.kind in _QUEUE_LOG_MATTER}
    for call_id in await queries.find_calls_of_channels(session, callids):
        (due if open_calls.knows(call_id) else urgent).add(call_id)
    open_calls.note_due(due | urgent)
    return urgent


async def _run_handlers(
    session: AsyncSession, records: Iterable[LedgerRecord], calls: Sequence[DerivedCall], handlers: LedgerHandlers
) -> None:
    for record in records:
        handler = handlers.on_event.get(record.kind) if isinstance(record, CelRecord) else None
        work = handler(record, session) if handler is not None and isinstance(record, CelRecord) else None
        if work is not None:
            await _run_handler(session, work, record.kind)
    for on_calls in handlers.on_calls if calls else ():
        await _run_handler(session, on_calls(calls, session), "calls")


async def _run_handler(session: AsyncSession, work: Awaitable[None], kind: str) -> None:
    """In a savepoint: a handler's fault undoes its own work, raises an alarm, and the ledger goes on."""
    try:
        async with session.begin_nested():
            await work
    except Exception:
        log.exception("ledger_handler_failed", kind=kind)
        await raise_alarm(session, "ledger_handler_failed", key=kind, severity="critical")
