"""What is deleted when its time is over: raw ledger lines and rotated files; never what was not read or not ended."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import LedgerLineBad, parse_cel_line
from callcenter.asterisk.ledger_files import KnownFile, find_files
from callcenter.calls import service

ROWS_AT_ONCE = 100_000

# oldest first; lines of a call go when the call has ended before the limit
_PURGE_EVENTS = text("""
    WITH old AS (SELECT id, linkedid FROM ledger_events WHERE at < :before ORDER BY at LIMIT :rows)
    DELETE FROM ledger_events USING old
    WHERE ledger_events.id = old.id AND NOT EXISTS (
        SELECT FROM call_links JOIN calls_by_month AS calls ON calls.id = call_links.call_id
        WHERE call_links.linkedid = old.linkedid AND (calls.state = 'open' OR calls.ended_at >= :before))
""")
_PURGE_QUEUE_LOG = text("""
    DELETE FROM queue_log_events AS line
    WHERE line.at < :before AND NOT EXISTS (
        SELECT FROM legs_by_month AS legs JOIN calls_by_month AS calls ON calls.id = legs.call_id
        WHERE legs.uniqueid = line.callid AND (calls.state = 'open' OR calls.ended_at >= :before))
""")
_PURGE_QUARANTINE = text("DELETE FROM ledger_quarantine WHERE at < :before")


async def purge_ledger(session: AsyncSession, before: datetime, *, rows: int = ROWS_AT_ONCE) -> int:
    """Delete raw lines older than ``before`` of calls that ended before it; at most ``rows`` channel events.

    The derived calls stay. Returns the number of channel events; as many as ``rows``: call again.
    """
    result = await session.execute(_PURGE_EVENTS, {"before": before, "rows": rows})
    await session.execute(_PURGE_QUEUE_LOG, {"before": before})
    await session.execute(_PURGE_QUARANTINE, {"before": before})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def rotate_if_due(path: Path, before: datetime) -> bool:
    """Rename the channel-event file when its first readable line is older than ``before``; whether it did. Blocking.

    Safe at any moment: Asterisk opens it for each record (asterisk-facts: the ledger), and the reader follows a
    renamed file to its end. queue_log is kept open by Asterisk, which rotates it itself (LoggerRotate).
    """
    try:
        with path.open("rb") as handle:
            began_at = next(filter(None, map(_time_of, handle)), None)
    except FileNotFoundError:
        return False
    if began_at is None or began_at >= before:
        return False
    path.rename(path.with_name(f"{path.name}.{int(began_at.timestamp())}"))
    return True


def _time_of(line: bytes) -> datetime | None:
    """None for a line that is not readable, or not whole yet."""
    try:
        return parse_cel_line(line.removesuffix(b"\n")).at
    except LedgerLineBad:
        return None


async def purge_rotated_files(session: AsyncSession, path: Path, pbx: str, kind: str, before: datetime) -> list[Path]:
    """Delete files renamed from ``path`` that nobody wrote to since ``before`` and that were read to their end."""
    known = await service.list_known_files(session, pbx, kind)
    return await asyncio.to_thread(_unlink_read_files, path, known, before.timestamp())


def _unlink_read_files(path: Path, known: Iterable[KnownFile], before: float) -> list[Path]:
    read_to: dict[str, int] = {}
    for file in known:
        digest = file.identity.head_digest.partition("#")[0]
        if file.finished:
            read_to[digest] = max(read_to.get(digest, 0), file.offset)
    gone = []
    for found in find_files(path):
        is_read = found.size <= read_to.get(found.identity.head_digest, -1)
        if found.path != path and is_read and found.path.stat().st_mtime < before:
            found.path.unlink()
            gone.append(found.path)
    return gone
