"""SQL of the ledger and of writing what is derived from it. Reading for people: calls/search.py, calls/figures.py."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, bindparam, exists, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, QueueLogRecord
from callcenter.asterisk.ledger_files import FileIdentity
from callcenter.calls.models import (
    Call,
    CallLink,
    LedgerFile,
    LedgerQuarantine,
    Leg,
    PbxBoot,
    QueueLogEvent,
    Recording,
)

_INSERT_EVENTS = text("""
    INSERT INTO ledger_events
        (file_id, "offset", pbx, kind, at, uniqueid, linkedid, channel, context, extension, application, peer, extra)
    SELECT :file_id, "offset", :pbx, kind, at, uniqueid, linkedid, channel, context, extension, application, peer, extra
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS line (
        "offset" bigint, kind text, at timestamptz, uniqueid text, linkedid text, channel text, context text,
        extension text, application text, peer text, extra jsonb)
    ORDER BY "offset"
    ON CONFLICT (file_id, "offset") DO NOTHING
    RETURNING "offset"
""").bindparams(bindparam("rows", type_=JSONB))

_INSERT_QUEUE_LOG = text("""
    INSERT INTO queue_log_events (file_id, "offset", pbx, at, callid, queue_name, agent, kind, data)
    SELECT :file_id, "offset", :pbx, at, callid, queue_name, agent, kind, data
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS line (
        "offset" bigint, at timestamptz, callid text, queue_name text, agent text, kind text, data text[])
    ORDER BY "offset"
    ON CONFLICT (file_id, "offset") DO NOTHING
    RETURNING "offset"
""").bindparams(bindparam("rows", type_=JSONB))

# all events of the calls, whichever linkedids they are made of, in the order of the files
_EVENTS_OF_CALLS = text("""
    SELECT call_links.call_id, e.kind, e.at, e.uniqueid, e.linkedid, e.channel, e.context, e.extension,
           e.application, e.peer, e.extra
    FROM call_links JOIN ledger_events AS e ON e.linkedid = call_links.linkedid
    WHERE call_links.call_id = ANY(CAST(:call_ids AS text[]))
    ORDER BY e.file_id, e."offset"
""").columns(extra=JSONB)

_CALLS_OF_CHANNELS = text("""
    SELECT DISTINCT call_links.call_id
    FROM ledger_events AS e JOIN call_links ON call_links.linkedid = e.linkedid
    WHERE e.uniqueid = ANY(CAST(:uniqueids AS text[]))
""")

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


async def insert_events(
    session: AsyncSession, file_id: int, pbx: str, records: Iterable[tuple[int, CelRecord]]
) -> set[int]:
    """Offsets of those that were not there before."""
    rows = [
        {
            "offset": offset,
            "kind": record.kind,
            "at": record.at,
            "uniqueid": record.uniqueid,
            "linkedid": record.linkedid,
            "channel": record.channel,
            "context": record.context,
            "extension": record.extension,
            "application": record.application,
            "peer": record.peer,
            "extra": dict(record.extra),
        }
        for offset, record in records
    ]
    return await _insert_lines(session, _INSERT_EVENTS, file_id, pbx, rows)


async def insert_queue_log(
    session: AsyncSession, file_id: int, pbx: str, records: Iterable[tuple[int, QueueLogRecord]]
) -> set[int]:
    """Offsets of those that were not there before."""
    rows = [
        {
            "offset": offset,
            "at": record.at,
            "callid": record.callid,
            "queue_name": record.queue_name,
            "agent": record.agent,
            "kind": record.kind,
            "data": list(record.data),
        }
        for offset, record in records
    ]
    return await _insert_lines(session, _INSERT_QUEUE_LOG, file_id, pbx, rows)


async def _insert_lines(
    session: AsyncSession, statement: TextClause, file_id: int, pbx: str, rows: Sequence[Mapping[str, Any]]
) -> set[int]:
    if not rows:
        return set()
    result = await session.execute(statement, {"file_id": file_id, "pbx": pbx, "rows": rows})
    return set(result.scalars())


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


async def link_calls(session: AsyncSession, linkedids: Collection[str]) -> set[str]:
    """The calls of these linkedids; one that is new is a call of its own."""
    if not linkedids:
        return set()
    rows = [{"linkedid": linkedid, "call_id": linkedid} for linkedid in sorted(linkedids)]
    await session.execute(insert(CallLink).values(rows).on_conflict_do_nothing(index_elements=["linkedid"]))
    return set(await session.scalars(select(CallLink.call_id).where(CallLink.linkedid.in_(linkedids))))


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
    """queue_log's lines of these channels by callid, in the order of the files."""
    query = (
        select(QueueLogEvent)
        .where(QueueLogEvent.callid.in_(callids))
        .order_by(QueueLogEvent.file_id, QueueLogEvent.offset)
    )
    lines: dict[str, list[QueueLogRecord]] = {}
    for row in await session.scalars(query):
        lines.setdefault(row.callid, []).append(
            QueueLogRecord(row.at, row.callid, row.queue_name, row.agent, row.kind, tuple(row.data))
        )
    return lines


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
