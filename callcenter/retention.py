"""How long each kind of data is kept, and how it goes: the whole table stands here.

Whole months go by dropping their partition; everything else in pieces, so that nobody waits for a long statement.
Never deleted: what is not read to its end, calls that are open or that an open work order is about, and calls whose
recording still lies on disk.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.partitions import Partition, drop_partition, list_partitions, make_months, tell_astray
from callcenter.calls.retention import purge_ledger
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.migrate import BUSY_SQLSTATES

log = structlog.get_logger(__name__)

ROWS_AT_ONCE = 5_000
PIECES_A_TICK = 20
"""Of each kind; the rest goes at the next tick."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that go one by one. ``delete``: a statement for at most ``:rows`` of those from before ``:before``."""

    name: str
    days: Callable[[Settings], int]
    delete: TextClause


@dataclass(frozen=True, slots=True)
class MonthlyKind:
    """Partitions that go as a whole. ``keeps``: a question about a partition from before ``:before`` and ``:end``;
    while its answer is yes, the partition stays."""

    name: str
    days: Callable[[Settings], int]
    tables: tuple[str, ...]
    keeps: TextClause
    clear: tuple[TextClause, ...] = ()
    """What belongs to the rows and lies elsewhere, for :start and :end."""


# nothing of a call that goes on, or ended after the limit, is among lines from before :end
_LINES_WANTED = text("""
    SELECT EXISTS (SELECT FROM calls_by_month
        WHERE started_at < :end
        AND (state = 'open' OR (started_at > CAST(:before AS timestamptz) - interval '7 days' AND ended_at >= :before)))
""")
_CALL_WANTED = """
    call.state = 'open'
    OR EXISTS (SELECT FROM work_orders WHERE work_orders.call_id = call.id AND work_orders.state <> 'closed')
    OR EXISTS (SELECT FROM recordings WHERE recordings.call_id = call.id
               AND (measured_at IS NULL OR (bytes IS NOT NULL AND deleted_at IS NULL)))
"""
_PART_OF_IT = "one.call_id = call.id"
_OF_THE_MONTH = "call.started_at >= :start AND call.started_at < :end"

MESSAGE_DAYS = 1
"""What an agent's page was told: for pages that come back, no record of anything (docs/agent-api.md)."""
_DELETE_MESSAGES = text("""
    DELETE FROM agent_messages WHERE (agent_id, sequence) IN (
        SELECT agent_id, sequence FROM agent_messages WHERE at < :before ORDER BY at LIMIT :rows)
""")

_DELETE_CALLS = text(f"""
    WITH old AS MATERIALIZED (
        SELECT call.id FROM calls AS call WHERE call.started_at < :before AND NOT ({_CALL_WANTED})
        ORDER BY call.started_at LIMIT :rows),
    legs AS (DELETE FROM legs_by_month AS one USING old WHERE one.call_id = old.id),
    visits AS (DELETE FROM queue_visits_by_month AS one USING old WHERE one.call_id = old.id),
    steps AS (DELETE FROM call_steps_by_month AS one USING old WHERE one.call_id = old.id),
    recorded AS (DELETE FROM recordings AS one USING old WHERE one.call_id = old.id),
    links AS (DELETE FROM call_links AS one USING old WHERE one.call_id = old.id)
    DELETE FROM calls USING old WHERE calls.id = old.id
""")  # noqa: S608 - words of ours


def _oldest(table: str, time: str) -> TextClause:
    return text(f"""
        DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {time} < :before ORDER BY {time} LIMIT :rows)
    """)  # noqa: S608 - words of ours


def _oldest_of_calls(table: str, time: str) -> TextClause:
    """Of a table whose key is of several columns."""
    return text(f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {time} < :before ORDER BY {time} LIMIT :rows FOR UPDATE))
    """)  # noqa: S608 - words of ours


KINDS = (
    Kind("calls before the first month", lambda settings: settings.call_retention_days, _DELETE_CALLS),
    Kind("audit entries", lambda settings: settings.audit_retention_days, _oldest("audit_entries", "at")),
    Kind("acknowledged alarms", lambda settings: settings.alarm_retention_days, _oldest("alarms", "acknowledged_at")),
    Kind("cleared alarms", lambda settings: settings.alarm_retention_days, _oldest("alarms", "cleared_at")),
    Kind("messages sent", lambda settings: settings.alarm_retention_days, _oldest("outbox_messages", "finished_at")),
    Kind(
        "commands to the PBX", lambda settings: settings.command_retention_days, _oldest("pbx_commands", "finished_at")
    ),
    Kind("listenings", lambda settings: settings.command_retention_days, _oldest("listenings", "requested_at")),
    Kind("announcements", lambda settings: settings.call_retention_days, _oldest("announcements", "ended_at")),
    Kind("messages to desks", lambda _settings: MESSAGE_DAYS, _DELETE_MESSAGES),
    Kind("notes on calls", lambda settings: settings.call_retention_days, _oldest("call_notes", "written_at")),
    Kind("dispositions", lambda settings: settings.call_retention_days, _oldest("call_dispositions", "saved_at")),
    Kind(
        "patients chosen for calls",
        lambda settings: settings.call_retention_days,
        _oldest_of_calls("call_patients", "chosen_at"),
    ),
    Kind(
        "reasons to see a patient",
        lambda settings: settings.call_retention_days,
        _oldest_of_calls("call_reveals", "revealed_at"),
    ),
    Kind("dials of agents", lambda settings: settings.callback_retention_days, _oldest("agent_dials", "requested_at")),
    Kind("finished call-backs", lambda settings: settings.callback_retention_days, _oldest("callbacks", "finished_at")),
    Kind(
        "finished contacts of campaigns",
        lambda settings: settings.campaign_retention_days,
        _oldest("campaign_contacts", "finished_at"),
    ),
)
"""Raw lines before the first month: :func:`callcenter.calls.retention.purge_ledger`; recordings, whose files go with
an entry in the audit: :func:`callcenter.calls.recordings.delete_old`."""

MONTHLY = (
    MonthlyKind(
        "raw ledger lines",
        lambda settings: settings.ledger_retention_days,
        ("ledger_events", "queue_log_events"),
        keeps=_LINES_WANTED,
    ),
    MonthlyKind(
        "calls",
        lambda settings: settings.call_retention_days,
        ("legs", "queue_visits", "call_steps", "calls"),
        keeps=text(f"SELECT EXISTS (SELECT FROM calls_by_month AS call WHERE {_OF_THE_MONTH} AND ({_CALL_WANTED}))"),  # noqa: S608
        clear=tuple(
            text(f"DELETE FROM {table} AS one USING calls_by_month AS call WHERE {_PART_OF_IT} AND {_OF_THE_MONTH}")  # noqa: S608
            for table in ("recordings", "call_links")
        ),
    ),
)


async def keep_to_retention(database: Database, settings: Settings, at: datetime) -> None:
    """One tick: months made ahead, what is over deleted. Interrupted anywhere, the next tick goes on."""
    async with database.transaction() as session:
        await tell_astray(session)
    await _unless_busy(database, lambda session: make_months(session, at))
    for kind in KINDS:
        await _delete(database, kind, at - timedelta(days=kind.days(settings)))
    async with database.transaction() as session:
        await purge_ledger(session, at - timedelta(days=settings.ledger_retention_days))
    for monthly in MONTHLY:
        await _drop(database, monthly, at - timedelta(days=monthly.days(settings)))


async def _delete(database: Database, kind: Kind, before: datetime) -> None:
    for _ in range(PIECES_A_TICK):
        async with database.transaction() as session:
            result = await session.execute(kind.delete, {"before": before, "rows": ROWS_AT_ONCE})
        deleted = int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
        if deleted:
            log.info("retention_deleted", kind=kind.name, rows=deleted)
        if deleted < ROWS_AT_ONCE:
            return


async def _drop(database: Database, kind: MonthlyKind, before: datetime) -> None:
    """The months that are over, oldest first, of all the kind's tables together; the first partition, which reaches
    back without an end, is emptied row by row and stays."""
    async with database.transaction() as session:
        by_table = {table: await list_partitions(session, table) for table in kind.tables}
    months = by_table[kind.tables[-1]]
    for month in months[:-1]:
        if month.end > before:
            return
        if month.start is None:
            continue
        span = {"start": month.start, "end": month.end, "before": before}
        async with database.transaction() as session:
            if await session.scalar(kind.keeps, span):
                return
            for clear in kind.clear:
                await session.execute(clear, span)
        same = [(table, one) for table, found in by_table.items() for one in found if one.end == month.end]
        if not await _unless_busy(database, partial(_drop_all, same)):
            return


async def _drop_all(partitions: Sequence[tuple[str, Partition]], session: AsyncSession) -> None:
    for table, partition in partitions:
        await drop_partition(session, table, partition)


async def _unless_busy(database: Database, work: Callable[[AsyncSession], Awaitable[object]]) -> bool:
    """Whether it was done; what waits too long for a table is done at a later tick."""
    try:
        async with database.transaction() as session:
            await work(session)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in BUSY_SQLSTATES:
            raise
        log.info("retention_waits", reason=type(error.orig).__name__)
        return False
    return True
