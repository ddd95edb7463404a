"""SQL of reading the ledger: how far its files are read, their lines, and to which calls the lines belong.

What each round of the reader asks goes straight to the driver, which spares SQLAlchemy's share of the time.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, LedgerKind, LedgerRecord, QueueLogRecord
from callcenter.asterisk.ledger_files import FileIdentity, LedgerBatch
from callcenter.calls.models import LedgerEvent, LedgerFile, LedgerQuarantine, QueueLogEvent
from callcenter.core.copying import copy_rows, driver_of

# Not synced to disk: the files are the truth, and a commit lost with its offset is read again. Nobody else writes
# calls of this PBX until the end of the transaction.
_BEGIN = text("""
    SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(hashtext('derive ' || :pbx))
""")

# The row of each file is locked and moved to the end of its batch; told is where it stood, and whether lines from the
# batch's first one on are stored already. A file that has no row yet is not told.
_CLAIM_FILES = """
    WITH read AS (
        SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bool[])
        AS read (kind, head_digest, device, inode, start, "end", finished)
    ), known AS (
        SELECT f.id, f."offset" AS stood_at, read.* FROM ledger_files AS f JOIN read USING (kind, head_digest)
        WHERE f.pbx = $1 ORDER BY f.id FOR UPDATE OF f
    )
    UPDATE ledger_files AS f SET
        derived_offset = coalesce(f.derived_offset, known.stood_at),
        "offset" = greatest(known.stood_at, known."end"),
        device = known.device,
        inode = known.inode,
        finished_at = CASE WHEN known.finished THEN coalesce(f.finished_at, $9) END
    FROM known WHERE f.id = known.id
    RETURNING f.head_digest, f.id, known.stood_at,
        known.start < known.stood_at OR CASE f.kind
            WHEN 'cel' THEN EXISTS (
                SELECT FROM ledger_events_by_month AS e WHERE e.file_id = f.id AND e."offset" >= known.start)
            ELSE EXISTS (
                SELECT FROM queue_log_events_by_month AS e WHERE e.file_id = f.id AND e."offset" >= known.start)
        END AS has_stored
"""

_LINES = {
    LedgerKind.CEL: (LedgerEvent.__tablename__, CelRecord._fields),
    LedgerKind.QUEUE_LOG: (QueueLogEvent.__tablename__, QueueLogRecord._fields),
}
_STORED = {
    kind: text(f'SELECT "offset" FROM {table} WHERE file_id = :file_id AND "offset" >= :start AND "offset" < :end')  # noqa: S608 - names of ours
    for kind, (table, _) in _LINES.items()
}

_LINK_CALLS = """
    INSERT INTO call_links (linkedid, call_id) SELECT linkedid, linkedid FROM unnest($1::text[]) AS new (linkedid)
    ON CONFLICT (linkedid) DO NOTHING RETURNING linkedid
"""
_CALLS_OF_LINKS = "SELECT linkedid, call_id FROM call_links WHERE linkedid = ANY($1::text[])"

# a waiting caller's channel is the first of its call, or a leg of one that was derived
_CALLS_OF_CHANNELS = """
    SELECT call_id FROM call_links WHERE linkedid = ANY($1::text[])
    UNION SELECT call_id FROM legs_by_month WHERE uniqueid = ANY($1::text[])
"""

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

_NOTE_ALL_DERIVED = """
    UPDATE ledger_files SET derived_offset = "offset" WHERE pbx = $1 AND derived_offset <> "offset"
"""


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """``stood_at``: up to here it was read before. ``has_stored``: some of the batch's lines may be stored already."""

    id: int
    stood_at: int
    has_stored: bool


async def begin_writing(session: AsyncSession, pbx: str) -> None:
    """First thing in a transaction that writes calls of this PBX: one at a time does."""
    await session.execute(_BEGIN, {"pbx": pbx})


async def list_ledger_files(session: AsyncSession, pbx: str, kind: str) -> Sequence[LedgerFile]:
    query = select(LedgerFile).where(LedgerFile.pbx == pbx, LedgerFile.kind == kind).order_by(LedgerFile.id)
    return (await session.scalars(query)).all()


async def claim_files(
    session: AsyncSession, pbx: str, batches: Sequence[LedgerBatch], at: datetime
) -> list[ClaimedFile]:
    """The batches' files, locked until the end of the transaction and moved to the batches' ends; in their order."""
    claimed = await _claim_known(session, pbx, batches, at)
    new = [batch for batch in batches if batch.identity.head_digest not in claimed]
    if new:
        for batch in new:
            await lock_ledger_file(session, pbx, batch.kind, batch.identity, offset=batch.start, at=at)
        claimed |= await _claim_known(session, pbx, new, at)
    return [claimed[batch.identity.head_digest] for batch in batches]


async def _claim_known(
    session: AsyncSession, pbx: str, batches: Sequence[LedgerBatch], at: datetime
) -> dict[str, ClaimedFile]:
    """By the digest of the first line; without files that have no row yet."""
    files = [batch.identity for batch in batches]
    rows = await (await driver_of(session)).fetch(
        _CLAIM_FILES,
        pbx,
        [str(batch.kind) for batch in batches],
        [file.head_digest for file in files],
        [file.device for file in files],
        [file.inode for file in files],
        [batch.start for batch in batches],
        [batch.end for batch in batches],
        [batch.finished for batch in batches],
        at,
    )
    return {row["head_digest"]: ClaimedFile(row["id"], row["stood_at"], row["has_stored"]) for row in rows}


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


async def finish_other_files(session: AsyncSession, pbx: str, kind: str, file_id: int, at: datetime) -> None:
    """After a gap: what was unfinished before this file will never be finished."""
    await session.execute(
        update(LedgerFile)
        .where(
            LedgerFile.pbx == pbx,
            LedgerFile.kind == kind,
            LedgerFile.id != file_id,
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
        (file_id, offset, pbx, *(_event_row(record) if isinstance(record, CelRecord) else record))
        for offset, record in records
    ]
    if rows:
        table, columns = _LINES[kind]
        await copy_rows(session, table, ("file_id", "offset", "pbx", *columns), rows)


def _event_row(event: CelRecord) -> tuple[Any, ...]:
    return (*event[:-1], orjson.dumps(event.extra).decode() if event.extra else "{}")


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
    connection = await driver_of(session)
    new = {row["linkedid"] for row in await connection.fetch(_LINK_CALLS, sorted(linkedids))}
    links = {linkedid: linkedid for linkedid in new}
    if len(new) < len(linkedids):
        known = await connection.fetch(_CALLS_OF_LINKS, sorted(linkedids - new))
        links |= {row["linkedid"]: row["call_id"] for row in known}
    return links, new


async def find_calls_of_channels(session: AsyncSession, uniqueids: Collection[str]) -> set[str]:
    """The calls these channels belong to, as far as their events have come."""
    if not uniqueids:
        return set()
    connection = await driver_of(session)
    return {row["call_id"] for row in await connection.fetch(_CALLS_OF_CHANNELS, sorted(uniqueids))}


async def find_calls_not_derived(session: AsyncSession, pbx: str) -> set[str]:
    """Calls with lines that were stored to be derived later, and not derived since."""
    return set(await session.scalars(_CALLS_NOT_DERIVED, {"pbx": pbx}))


async def note_all_derived(session: AsyncSession, pbx: str) -> None:
    """Whatever is stored of this PBX is derived."""
    await (await driver_of(session)).execute(_NOTE_ALL_DERIVED, pbx)
