"""Contacts from a file: good rows are put in, bad rows told; the same file again adds nobody.

While PostgreSQL writes one batch, a thread reads the next; each batch is one transaction, which also notes how far
the file is, so that others see it and can stop it. However long the file, two batches are held and no more.
"""

import asyncio
import csv
from collections.abc import Iterable, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from itertools import islice
from typing import BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import audience_queries, import_sql
from callcenter.campaigns.audience_models import CampaignImport, CampaignImportProblem, ImportState
from callcenter.campaigns.errors import CampaignOver, ImportNotFound
from callcenter.campaigns.import_rows import REASONS, ContactRow, ImportContext, RowReader, read_header
from callcenter.campaigns.lifecycle import get_campaign
from callcenter.campaigns.models import CampaignState
from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.core.http import open_transaction
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.spreadsheets import cell
from callcenter.core.uploaded_tables import (
    MAX_ROWS,
    ImportRefused,
    RawRow,
    RawTable,
    RowProblem,
    open_table,
    read_ahead,
    refused,
)

BATCH_ROWS = 20_000
"""A transaction of about a second."""
MOST_PROBLEMS = 100_000
"""Kept of one file; whoever has more has another problem than single rows."""
SILENT_FOR = timedelta(minutes=2)
"""A file that goes on is noted every few seconds."""


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: int
    good: bytes
    rejected: int
    problems: list[RowProblem]


async def import_contacts(
    database: Database, actor: Actor, campaign_id: UUID, file: BinaryIO, *, plan: NumberPlan
) -> UUID:
    """Put the rows of a CSV or XLSX ``file`` (seekable) into the campaign; returns the import's id.

    Raises CampaignNotFound, CampaignOver, and ImportRefused for a file that cannot be read at all; if one of these
    shows only half-way, the rows before stay in, and the import stands as failed.
    """
    async with open_transaction(database) as session:
        campaign = await get_campaign(session, campaign_id)
        if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
            raise CampaignOver
        context = ImportContext(plan, ZoneInfo(campaign.zone))
    table = await asyncio.to_thread(open_table, file)
    with closing(table.rows):
        first = await asyncio.to_thread(next, table.rows, None)
        if first is None:
            raise refused("empty")
        reader = RowReader(read_header(first.cells), context)
        import_id = await _begin(database, actor, campaign_id, table)
        try:
            async with aclosing(read_ahead(lambda: _read_batch(table.rows, reader))) as batches:
                async for batch in batches:
                    if not await _load_batch(database, campaign_id, import_id, batch):
                        return import_id
        except BaseException as error:
            await _end(database, actor, import_id, ImportState.FAILED, _reason(error))
            raise
    await _end(database, actor, import_id, ImportState.FINISHED, None)
    return import_id


def _reason(error: BaseException) -> str:
    if isinstance(error, ImportRefused):
        return str(error.details["reason"])
    return error.code if isinstance(error, CallcenterError) else "interrupted"


async def _begin(database: Database, actor: Actor, campaign_id: UUID, table: RawTable) -> UUID:
    import_id, at = new_id(), now()
    async with open_transaction(database) as session:
        session.add(
            CampaignImport(
                id=import_id,
                campaign_id=campaign_id,
                state=ImportState.RUNNING,
                rows_total=table.rows_total,
                started_at=at,
                started_by=actor.name,
                changed_at=at,
            )
        )
        record_audit(session, actor, "campaigns.import_contacts", subject_id=str(campaign_id), import_id=str(import_id))
    return import_id


async def _end(database: Database, actor: Actor, import_id: UUID, state: ImportState, reason: str | None) -> None:
    """Unless somebody has ended it already."""
    async with open_transaction(database) as session:
        one = await audience_queries.lock_import(session, import_id)
        if one.state == ImportState.RUNNING:
            one.state, one.reason, one.changed_at = state, reason, now()
            record_audit(
                session,
                actor,
                "campaigns.end_import",
                subject_id=str(one.campaign_id),
                import_id=str(import_id),
                state=state.value,
                added=one.added,
                rejected=one.rejected,
            )


def _read_batch(rows: Iterator[RawRow], reader: RowReader) -> _Batch | None:
    """The next BATCH_ROWS rows; None at the end."""
    lines: list[str] = []
    problems: list[RowProblem] = []
    done = 0
    for raw in islice(rows, BATCH_ROWS):
        row = reader.read(raw)
        if isinstance(row, ContactRow):
            lines.append(import_sql.copy_line(row))
        else:
            problems += row
        done += 1
    return _Batch(done, "".join(lines).encode(), done - len(lines), problems) if done else None


async def _load_batch(database: Database, campaign_id: UUID, import_id: UUID, batch: _Batch) -> bool:
    """Whether to go on: False when somebody has stopped it. Raises CampaignOver, ImportRefused."""
    async with open_transaction(database) as session:
        one = await audience_queries.lock_import(session, import_id)
        if one.state != ImportState.RUNNING:
            return False
        campaign = await get_campaign(session, campaign_id)
        if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
            raise CampaignOver
        at = now()
        await import_sql.stage(session, batch.good, channels=campaign.channels, at=at)
        unknown = await import_sql.list_refused(session)
        added = await import_sql.put(session, campaign_id, at)
        problems = sorted([*batch.problems, *unknown], key=lambda problem: problem.line)
        room = max(MOST_PROBLEMS - one.rejected, 0)
        await import_sql.insert_problems(session, import_id, problems[:room])
        rejected = batch.rejected + len(unknown)
        one.rows += batch.rows
        one.added += added
        one.rejected += rejected
        one.existing += batch.rows - added - rejected
        one.rows_total = max(one.rows_total, one.rows) if one.rows_total is not None else None
        one.changed_at = at
        if one.rows > MAX_ROWS:
            raise refused("too-many-rows")
    return True


# -- seen and stopped by others


async def get_import(
    session: AsyncSession, campaign_id: UUID, import_id: UUID, *, lock: bool = False
) -> CampaignImport:
    """Raises ImportNotFound."""
    one = await audience_queries.find_import(session, campaign_id, import_id, lock=lock)
    if one is None:
        raise ImportNotFound
    return one


async def cancel_import(session: AsyncSession, actor: Actor, campaign_id: UUID, import_id: UUID) -> CampaignImport:
    """The rows that are in stay in; the rest is not read. One that is over stays as it is."""
    one = await get_import(session, campaign_id, import_id, lock=True)
    if one.state == ImportState.RUNNING:
        one.state, one.changed_at = ImportState.CANCELLED, now()
        record_audit(session, actor, "campaigns.cancel_import", subject_id=str(campaign_id), import_id=str(import_id))
    return one


def state_of(one: CampaignImport, at: datetime) -> ImportState:
    """A file whose process died is not being read any more, whatever its row says."""
    if one.state == ImportState.RUNNING and at - one.changed_at > SILENT_FOR:
        return ImportState.FAILED
    return ImportState(one.state)


def write_problems(problems: Iterable[CampaignImportProblem]) -> str:
    """The bad rows as CSV for the people who keep the file, with the mark by which Excel knows UTF-8."""
    target = StringIO()
    target.write("\ufeff")
    writer = csv.writer(target)
    writer.writerow(["line", "column", "key", "reason", "reason_zh", "reason_en"])
    for one in problems:
        writer.writerow([one.line, *map(cell, (one.column, one.row_id, one.reason, *REASONS[one.reason]))])
    return target.getvalue()
