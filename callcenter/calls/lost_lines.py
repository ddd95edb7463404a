"""Calls of which lines never reached the ledger: found by comparing it with what is live, and closed."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger_files import FileIdentity
from callcenter.calls import ledger_queries
from callcenter.calls.derivation import derive_calls
from callcenter.calls.derive import LINES_LOST
from callcenter.calls.models import LedgerEvent
from callcenter.core.phone_numbers import NumberPlan

_OWN_FILE = "engine"
"""Kind and head of the one ledger "file" per PBX that holds our own findings: no file on disk, so nobody reads it."""

_UNWRITTEN = text("""
    SELECT linkedid FROM unnest(CAST(:linkedids AS text[])) AS live (linkedid)
    WHERE NOT EXISTS (SELECT FROM ledger_events_by_month AS e WHERE e.linkedid = live.linkedid)
""")
_OPEN_BUT = text("""
    SELECT calls.id FROM calls_by_month AS calls
    WHERE calls.pbx = :pbx AND calls.state = 'open' AND NOT EXISTS (
        SELECT FROM call_links
        WHERE call_links.call_id = calls.id AND call_links.linkedid = ANY(CAST(:linkedids AS text[])))
""")


async def find_unwritten(session: AsyncSession, linkedids: Collection[str]) -> set[str]:
    """Those of these linkedids of which the ledger has no line."""
    if not linkedids:
        return set()
    return set(await session.scalars(_UNWRITTEN, {"linkedids": sorted(linkedids)}))


async def list_open_calls_but(session: AsyncSession, pbx: str, live: Collection[str]) -> set[str]:
    """Ids of this PBX's open calls that have none of the ``live`` linkedids."""
    return set(await session.scalars(_OPEN_BUT, {"pbx": pbx, "linkedids": sorted(live)}))


async def close_cut_calls(
    session: AsyncSession, pbx: str, call_ids: Sequence[str], at: datetime, *, plan: NumberPlan
) -> None:
    """Asterisk has these calls no more, and their last lines will never come: each ends with the last one known.

    That it was found so at ``at`` is a line of our own, so that deriving again comes to the same.
    """
    await ledger_queries.begin_writing(session, pbx)
    file = await ledger_queries.lock_ledger_file(
        session, pbx, _OWN_FILE, FileIdentity(0, 0, _OWN_FILE), offset=0, at=at
    )
    rows = [
        {
            "file_id": file.id,
            "offset": file.offset + number,
            "pbx": pbx,
            "kind": LINES_LOST,
            "at": at,
            "uniqueid": call_id,
            "linkedid": call_id,
            **dict.fromkeys(("channel", "context", "extension", "application", "peer"), ""),
            "extra": {},
        }
        for number, call_id in enumerate(call_ids)
    ]
    await session.execute(insert(LedgerEvent), rows)
    file.offset += len(rows)
    file.finished_at = at
    await session.flush()
    await derive_calls(session, pbx, call_ids, plan=plan)
