"""SQL of the ledger and of writing what is derived from it. Reading for people: calls/search.py, calls/figures.py."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, exists, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, LedgerKind, LedgerRecord, QueueLogRecord
from callcenter.asterisk.ledger_files import FileIdentity
from callcenter.calls.derive import DerivedCall, DerivedLeg, DerivedStep
from callcenter.calls.models import (
    Call,
    CallLink,
    CallStep,
    LedgerEvent,
    LedgerFile,
    LedgerQuarantine,
    Leg,
    PbxBoot,
    QueueLogEvent,
    QueueVisit,
    Recording,
)
from callcenter.calls.visits import DerivedVisit
from callcenter.core.copying import copy_rows

_EVENT_TEXTS = ("kind", "at", "uniqueid", "linkedid", "channel", "context", "extension", "application", "peer")
_QUEUE_LOG_COLUMNS = ("at", "callid", "queue_name", "agent", "kind", "data")
_event_values = attrgetter(*_EVENT_TEXTS)
_queue_log_row = attrgetter(*_QUEUE_LOG_COLUMNS)
_LINES = {
    LedgerKind.CEL: (LedgerEvent.__tablename__, (*_EVENT_TEXTS, "extra")),
    LedgerKind.QUEUE_LOG: (QueueLogEvent.__tablename__, _QUEUE_LOG_COLUMNS),
}
_STORED = {
    kind: text(f'SELECT "offset" FROM {table} WHERE file_id = :file_id AND "offset" >= :start AND "offset" < :end')  # noqa: S608 - names of ours
    for kind, (table, _) in _LINES.items()
}

# all events of the calls, whichever linkedids they are made of, in the order of the files
_EVENTS_OF_CALLS = text("""
    SELECT call_links.call_id, e.kind, e.at, e.uniqueid, e.linkedid, e.channel, e.context, e.extension,
           e.application, e.peer, e.extra
    FROM call_links JOIN ledger_events_by_month AS e ON e.linkedid = call_links.linkedid
    WHERE call_links.call_id = ANY(CAST(:call_ids AS text[]))
    ORDER BY e.file_id, e."offset"
""").columns(extra=JSONB)

# the lines of queue_log that say more than the channel events do
_QUEUE_LOG_OF_CHANNELS = text("""
    SELECT at, callid, queue_name, agent, kind, data FROM queue_log_events_by_month
    WHERE callid = ANY(CAST(:callids AS text[])) AND kind IN ('CONNECT', 'EXITWITHKEY')
    ORDER BY file_id, "offset"
""")

_LINK_CALLS = text("""
    INSERT INTO call_links (linkedid, call_id)
    SELECT linkedid, linkedid FROM unnest(CAST(:linkedids AS text[])) AS new (linkedid)
    ON CONFLICT (linkedid) DO NOTHING RETURNING linkedid
""")
_CALLS_OF_LINKS = text("SELECT linkedid, call_id FROM call_links WHERE linkedid = ANY(CAST(:linkedids AS text[]))")

# a waiting caller's channel is the first of its call, or a leg of one that was derived
_CALLS_OF_CHANNELS = text("""
    SELECT call_id FROM call_links WHERE linkedid = ANY(CAST(:uniqueids AS text[]))
    UNION SELECT call_id FROM legs_by_month WHERE uniqueid = ANY(CAST(:uniqueids AS text[]))
""")

_CALLS_NOT_DERIVED = text("""
    SELECT call_links.call_id FROM ledger_files AS f
    JOIN ledger_events_by_month AS e ON e.file_id = f.id AND e."offset" >= f.derived_offset
    JOIN call_links ON call_links.linkedid = e.linkedid
    WHERE f.pbx = :pbx AND f.derived_offset < f."offset"
    UNION
    SELECT call_links.call_id FROM ledger_files AS f
    JOIN queue_log_events_by_month AS e ON e.file_id = f.id AND e."offset" >= f.derived_offset
    JOIN call_links ON call_links.linkedid = e.callid
    WHERE f.pbx = :pbx AND f.derived_offset < f."offset"
""")

_DELETE_CALLS = text("""
    WITH gone AS (SELECT unnest(CAST(:call_ids AS text[])) AS call_id),
    legs AS (DELETE FROM legs_by_month AS leg USING gone WHERE leg.call_id = gone.call_id),
    visits AS (DELETE FROM queue_visits_by_month AS visit USING gone WHERE visit.call_id = gone.call_id),
    steps AS (DELETE FROM call_steps_by_month AS step USING gone WHERE step.call_id = gone.call_id)
    DELETE FROM calls_by_month AS call USING gone WHERE call.id = gone.call_id
""")

_CALL_COLUMNS = tuple(
    field.name for field in fields(DerivedCall) if field.name not in {"legs", "visits", "steps", "recordings"}
)
_call_values = attrgetter(*_CALL_COLUMNS)
_PARTS = tuple(
    (model, columns, part, attrgetter(*columns))
    for model, kind, part in (
        (Leg, DerivedLeg, "legs"),
        (QueueVisit, DerivedVisit, "visits"),
        (CallStep, DerivedStep, "steps"),
    )
    for columns in [tuple(field.name for field in fields(kind))]
)

_LOCK_DERIVATION = text("SELECT pg_advisory_xact_lock(hashtext('derive ' || :pbx))")

COMPLAINT = "complaint"
"""Purpose of the recording that belongs to a complaint."""

BOOT_SPREAD = timedelta(seconds=2)
"""No Asterisk starts twice within so short a time."""


async def list_ledger_files(session: AsyncSession, pbx: str, kind: str) -> Sequence[LedgerFile]:
    query = select(LedgerFile).where(LedgerFile.pbx == pbx, LedgerFile.kind == kind).order_by(LedgerFile.id)
    return (await session.scalars(query)).all()


async def lock_ledger_file(
    session: AsyncSession, pbx: str, kind: str, identity: FileIdentity, *, offset: int, at: datetime
) -> LedgerFile:
    """The file's row, locked until the end of the transaction; a new one begins at ``offset``."""
    await session.execute(
        insert(LedgerFile)
        .values(
            pbx=pbx,
            kind=kind,
            device=identity.device,
            inode=identity.inode,
            head_digest=identity.head_digest,
            offset=offset,
            derived_offset=offset,
            first_seen_at=at,
        )
        .on_conflict_do_nothing(index_elements=["pbx", "kind", "head_digest"])
    )
    query = select(LedgerFile).where(
        LedgerFile.pbx == pbx, LedgerFile.kind == kind, LedgerFile.head_digest == identity.head_digest
    )
    return (await session.scalars(query.with_for_update())).one()


async def finish_other_files(session: AsyncSession, file: LedgerFile, at: datetime) -> None:
    """After a gap: what was unfinished before ``file`` will never be finished."""
    await session.execute(
        update(LedgerFile)
        .where(
            LedgerFile.pbx == file.pbx,
            LedgerFile.kind == file.kind,
            LedgerFile.id != file.id,
            LedgerFile.finished_at.is_(None),
        )
        .values(finished_at=at)
    )


async def find_stored(session: AsyncSession, kind: LedgerKind, file_id: int, start: int, end: int) -> set[int]:
    """Offsets from ``start`` until before ``end`` whose lines are stored already."""
    return set(await session.scalars(_STORED[kind], {"file_id": file_id, "start": start, "end": end}))


async def insert_lines(
    session: AsyncSession, kind: LedgerKind, file_id: int, pbx: str, records: Iterable[tuple[int, LedgerRecord]]
) -> None:
    """Store lines of one file with their offsets; none of them is stored already."""
    rows = [
        (file_id, offset, pbx, *(_event_row(record) if isinstance(record, CelRecord) else _queue_log_row(record)))
        for offset, record in records
    ]
    if rows:
        table, columns = _LINES[kind]
        await copy_rows(session, table, ("file_id", "offset", "pbx", *columns), rows)


def _event_row(event: CelRecord) -> tuple[Any, ...]:
    return (*_event_values(event), orjson.dumps(event.extra).decode() if event.extra else "{}")


async def quarantine(
    session: AsyncSession, file_id: int, lines: Sequence[tuple[int, str, str]], at: datetime
) -> set[int]:
    """``lines``: (offset, reason, text). Offsets of those that were not there before."""
    if not lines:
        return set()
    new = insert(LedgerQuarantine).values(
        [
            {"file_id": file_id, "offset": offset, "at": at, "reason": reason, "line": line}
            for offset, reason, line in lines
        ]
    )
    result = await session.execute(
        new.on_conflict_do_nothing(index_elements=["file_id", "offset"]).returning(LedgerQuarantine.offset)
    )
    return set(result.scalars())


async def link_calls(session: AsyncSession, linkedids: set[str]) -> tuple[dict[str, str], set[str]]:
    """The call of each of these linkedids, and which of them are new: each a call of its own."""
    if not linkedids:
        return {}, set()
    new = set(await session.scalars(_LINK_CALLS, {"linkedids": sorted(linkedids)}))
    links = {linkedid: linkedid for linkedid in new}
    if len(new) < len(linkedids):
        known = await session.execute(_CALLS_OF_LINKS, {"linkedids": sorted(linkedids - new)})
        links |= {row.linkedid: row.call_id for row in known}
    return links, new


async def find_call_id(session: AsyncSession, linkedid: str) -> str | None:
    """The call that this linkedid belongs to, if it is known yet."""
    return await session.scalar(select(CallLink.call_id).where(CallLink.linkedid == linkedid))


async def find_calls_of_channels(session: AsyncSession, uniqueids: Collection[str]) -> set[str]:
    """The calls these channels belong to, as far as their events have come."""
    if not uniqueids:
        return set()
    return set(await session.scalars(_CALLS_OF_CHANNELS, {"uniqueids": sorted(uniqueids)}))


async def load_events(session: AsyncSession, call_ids: Sequence[str]) -> dict[str, list[CelRecord]]:
    """All events of these calls by call, in the order of the files; one query."""
    events: dict[str, list[CelRecord]] = {}
    for row in await session.execute(_EVENTS_OF_CALLS, {"call_ids": list(call_ids)}):
        events.setdefault(row.call_id, []).append(
            CelRecord(
                kind=row.kind,
                at=row.at,
                uniqueid=row.uniqueid,
                linkedid=row.linkedid,
                channel=row.channel,
                context=row.context,
                extension=row.extension,
                application=row.application,
                peer=row.peer,
                extra=row.extra,
            )
        )
    return events


async def load_queue_log(session: AsyncSession, callids: Collection[str]) -> dict[str, list[QueueLogRecord]]:
    """Those of queue_log's lines of these channels that matter, by callid, in the order of the files."""
    lines: dict[str, list[QueueLogRecord]] = {}
    for row in await session.execute(_QUEUE_LOG_OF_CHANNELS, {"callids": list(callids)}):
        lines.setdefault(row.callid, []).append(
            QueueLogRecord(row.at, row.callid, row.queue_name, row.agent, row.kind, tuple(row.data))
        )
    return lines


async def lock_derivation(session: AsyncSession, pbx: str) -> None:
    """Until the end of the transaction nobody else writes calls of this PBX."""
    await session.execute(_LOCK_DERIVATION, {"pbx": pbx})


async def find_calls_not_derived(session: AsyncSession, pbx: str) -> set[str]:
    """Calls with lines that were stored to be derived later, and not derived since."""
    return set(await session.scalars(_CALLS_NOT_DERIVED, {"pbx": pbx}))


async def note_all_derived(session: AsyncSession, pbx: str) -> None:
    """Whatever is stored of this PBX is derived."""
    await session.execute(
        update(LedgerFile)
        .where(LedgerFile.pbx == pbx, LedgerFile.derived_offset != LedgerFile.offset)
        .values(derived_offset=LedgerFile.offset)
    )


async def replace_calls(session: AsyncSession, pbx: str, calls: Sequence[DerivedCall], at: datetime) -> None:
    """Put these calls, with what belongs to each, in the place of what was known of them."""
    await session.execute(_DELETE_CALLS, {"call_ids": [call.id for call in calls]})
    rows = [(*_call_values(call), pbx, at) for call in calls]
    await copy_rows(session, Call.__tablename__, (*_CALL_COLUMNS, "pbx", "derived_at"), rows)
    for model, columns, part, values in _PARTS:
        parts = [(call.id, *values(one)) for call in calls for one in getattr(call, part)]
        if parts:
            await copy_rows(session, model.__tablename__, ("call_id", *columns), parts)


async def list_boots(session: AsyncSession, pbx: str) -> Sequence[datetime]:
    return (await session.scalars(select(PbxBoot.started_at).where(PbxBoot.pbx == pbx))).all()


async def add_boot(session: AsyncSession, pbx: str, started_at: datetime) -> None:
    """Once per boot: its time is read from an uptime in whole seconds, so it comes a little different each time."""
    near = select(PbxBoot.started_at).where(
        PbxBoot.pbx == pbx, PbxBoot.started_at.between(started_at - BOOT_SPREAD, started_at + BOOT_SPREAD)
    )
    if (await session.scalars(near.limit(1))).first() is None:
        await session.execute(insert(PbxBoot).values(pbx=pbx, started_at=started_at).on_conflict_do_nothing())


async def list_open_calls(session: AsyncSession, pbx: str, *, before: datetime) -> Sequence[str]:
    """Ids of the calls of this PBX that began before ``before`` and have not ended."""
    query = select(Call.id).where(Call.pbx == pbx, Call.state == "open", Call.started_at < before).order_by(Call.id)
    return (await session.scalars(query)).all()


async def find_ended_calls(session: AsyncSession, call_ids: Collection[str]) -> set[str]:
    """Those of these calls that are known and have ended."""
    if not call_ids:
        return set()
    return set(await session.scalars(select(Call.id).where(Call.id.in_(call_ids), Call.state != "open")))


async def find_last_agent_of_patient(session: AsyncSession, patient_id: UUID, *, since: datetime) -> str | None:
    """By ix_calls_patient_id_started_at."""
    return await _find_last_agent(session, Call.patient_id == patient_id, since)


async def find_last_agent_of_number(session: AsyncSession, e164: str, *, since: datetime) -> str | None:
    """By ix_calls_caller_number_started_at."""
    return await _find_last_agent(session, Call.caller_number == e164, since)


async def _find_last_agent(session: AsyncSession, whose: ColumnElement[bool], since: datetime) -> str | None:
    complaint_taken = exists().where(
        Recording.call_id == Call.id, Recording.purpose == COMPLAINT, Recording.started_at <= Leg.started_at
    )
    return await session.scalar(
        select(Leg.agent_number)
        .join(Call, Call.id == Leg.call_id)
        .where(
            whose,
            Call.started_at >= since,
            Leg.role == "agent",
            Leg.agent_number.is_not(None),
            Leg.answered_at.is_not(None),
            ~complaint_taken,
        )
        .order_by(Call.started_at.desc(), Leg.answered_at.desc())
        .limit(1)
    )
