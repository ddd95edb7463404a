"""From ledger lines to calls: one batch, one transaction; nothing counted twice, nothing dropped in silence."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, LedgerLineBad, LedgerRecord, QueueLogRecord, parse_line
from callcenter.asterisk.ledger_files import KEPT_OF_BAD_LINE_BYTES, FileIdentity, KnownFile, LedgerBatch, LedgerLine
from callcenter.calls import queries
from callcenter.calls.derivation import derive_calls
from callcenter.calls.derive import DerivedCall
from callcenter.calls.errors import LedgerOutOfStep
from callcenter.calls.models import LedgerFile
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan

log = structlog.get_logger(__name__)

EventHandler = Callable[[CelRecord, AsyncSession], Awaitable[None]]
"""Gets each new event of its kind once per time it is read; must be idempotent."""

CallsHandler = Callable[[Sequence[DerivedCall], AsyncSession], Awaitable[None]]
"""Gets the calls of a batch as they now are; must be idempotent."""


@dataclass(frozen=True, slots=True)
class LedgerHandlers:
    """What the domains above do with the ledger, composed by the engine. Run in the batch's transaction."""

    on_event: Mapping[str, EventHandler] = field(default_factory=dict)
    """By kind of event: a user event of ours (``CC_COMPLAINT``), or one of Asterisk's (``LINKEDID_END``)."""
    on_calls: Sequence[CallsHandler] = ()


_NO_HANDLERS = LedgerHandlers()
_MATTER = frozenset(
    {"BRIDGE_ENTER", "BRIDGE_EXIT", "HANGUP", "LINKEDID_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "LOCAL_OPTIMIZE"}
)
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
) -> datetime | None:
    """Store the lines, move the files' offsets, derive the calls they touch. Returns the newest line's time.

    Lines that were stored before are not stored again. Raises LedgerOutOfStep if a batch would leave a hole.
    """
    records: list[LedgerRecord] = []
    for batch in batches:
        records.extend(await _store(session, batch, pbx=pbx))
    calls = await derive_calls(session, pbx, await _touched_calls(session, records), plan=plan)
    await _run_handlers(session, records, calls, handlers)
    return max((record.at for record in records), default=None)


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


async def _store(session: AsyncSession, batch: LedgerBatch, *, pbx: str) -> list[LedgerRecord]:
    """The batch's records that are new."""
    file = await _lock(session, batch, pbx=pbx)
    good: list[tuple[int, LedgerRecord]] = []
    bad: list[tuple[LedgerLine, str]] = []
    for line in batch.lines:
        try:
            if line.fault:
                raise LedgerLineBad(line.fault)
            good.append((line.offset, parse_line(batch.kind, line.text)))
        except LedgerLineBad as error:
            bad.append((line, error.reason))
    events = [(offset, record) for offset, record in good if isinstance(record, CelRecord)]
    lines = [(offset, record) for offset, record in good if isinstance(record, QueueLogRecord)]
    new = await queries.insert_events(session, file.id, pbx, events)
    new |= await queries.insert_queue_log(session, file.id, pbx, lines)
    await _quarantine(session, file, bad)
    if batch.gap:
        await queries.finish_other_files(session, file, now())
        log.error("ledger_gap", pbx=pbx, kind=batch.kind, reason=batch.gap)
        await raise_alarm(
            session, "ledger_gap", key=f"{pbx} {batch.kind}", severity="critical", pbx=pbx, reason=batch.gap
        )
    _advance(file, batch)
    return [record for offset, record in good if offset in new]


async def _lock(session: AsyncSession, batch: LedgerBatch, *, pbx: str) -> LedgerFile:
    file = await queries.lock_ledger_file(session, pbx, batch.kind, batch.identity, offset=batch.start, at=now())
    if batch.start > file.offset:
        raise LedgerOutOfStep(file_id=file.id, stored=file.offset, read=batch.start)
    return file


def _advance(file: LedgerFile, batch: LedgerBatch) -> None:
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


async def _touched_calls(session: AsyncSession, records: Iterable[LedgerRecord]) -> set[str]:
    linkedids, callids = set(), set()
    for record in records:
        if isinstance(record, QueueLogRecord):
            if record.kind in _QUEUE_LOG_MATTER:
                callids.add(record.callid)
        elif record.kind in _MATTER or record.kind.startswith(_USER_EVENT_PREFIX):
            linkedids.add(record.linkedid)
    return await queries.link_calls(session, linkedids) | await queries.find_calls_of_channels(session, callids)


async def _run_handlers(
    session: AsyncSession, records: Iterable[LedgerRecord], calls: Sequence[DerivedCall], handlers: LedgerHandlers
) -> None:
    for record in records:
        handler = handlers.on_event.get(record.kind) if isinstance(record, CelRecord) else None
        if handler is not None and isinstance(record, CelRecord):
            await _run_handler(session, handler(record, session), record.kind)
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
