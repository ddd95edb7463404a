"""The monthly partitions of what grows with every call: made ahead, watched, dropped when their time is over.

Each row lies in the month (UTC) of its own time. The first partition is the table that was there before partitions
were, under its old name, and reaches back without an end. What fits no partition lies in ``<table>_default``: lines
with a time that is far off, or months that nobody made; that raises an alarm, and making the month moves them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.alarms import raise_alarm

log = structlog.get_logger(__name__)

PARTITIONED = {
    "ledger_events": "at",
    "queue_log_events": "at",
    "calls": "started_at",
    "legs": "started_at",
    "queue_visits": "entered_at",
    "call_steps": "at",
}
"""Table -> the time by which its rows are laid into months."""

MONTHS_AHEAD = 3
ASTRAY = "rows_in_no_month"

_BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(?P<start>[^']+)')\) TO \('(?P<end>[^']+)'\)")
_PARTITIONS = text("""
    SELECT part.relname, pg_get_expr(part.relpartbound, part.oid) AS bounds
    FROM pg_inherits JOIN pg_class AS part ON part.oid = pg_inherits.inhrelid
    WHERE pg_inherits.inhparent = to_regclass(:parent)
""")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('partitions'))")
_SHORTLY = text("SET LOCAL lock_timeout = '300ms'")
"""A statement that waits for a whole table makes those of callers wait behind it: rather the next time."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows from ``start`` (None: from ever) until before ``end``."""

    name: str
    start: datetime | None
    end: datetime


async def list_partitions(session: AsyncSession, table: str) -> list[Partition]:
    """Oldest first, without the one for rows that fit nowhere."""
    found = []
    for name, bounds in (await session.execute(_PARTITIONS, {"parent": f"{table}_by_month"})).all():
        match = _BOUNDS.fullmatch(bounds)
        if match:
            start = datetime.fromisoformat(match["start"]) if match["start"] else None
            found.append(Partition(name, start, datetime.fromisoformat(match["end"])))
    return sorted(found, key=lambda partition: partition.end)


async def make_months(session: AsyncSession, at: datetime) -> list[str]:
    """Make the partitions up to :data:`MONTHS_AHEAD` months ahead of ``at`` that are missing; their names.

    Raises DBAPIError (lock_not_available) while the tables are busy: nothing is lost by trying again later.
    """
    await session.execute(_ONE_AT_A_TIME)
    await session.execute(_SHORTLY)
    made = []
    for table, time in PARTITIONED.items():
        start = (await list_partitions(session, table))[-1].end
        while start <= month_of(at, MONTHS_AHEAD):
            made.append(await _make_month(session, table, time, start))
            start = month_of(start, 1)
    if made:
        log.info("partitions_made", partitions=made)
    return made


async def _make_month(session: AsyncSession, table: str, time: str, start: datetime) -> str:
    """Made aside and attached: so readers and writers of the other months do not wait."""
    name, end = f"{table}_{start:%Y_%m}", month_of(start, 1)
    within = f"{time} >= '{start.isoformat()}' AND {time} < '{end.isoformat()}'"
    connection = await session.connection()
    for statement in (
        f"CREATE TABLE {name} (LIKE {table}_by_month INCLUDING DEFAULTS)",
        f"WITH astray AS (DELETE FROM {table}_default WHERE {within} RETURNING *) "  # noqa: S608 - names of ours
        f"INSERT INTO {name} SELECT * FROM astray",
        f"ALTER TABLE {table}_by_month ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')",
    ):
        await connection.exec_driver_sql(statement)
    return name


async def tell_astray(session: AsyncSession) -> None:
    """An alarm for each table with rows that fit no partition."""
    for table in PARTITIONED:
        if await session.scalar(text(f"SELECT EXISTS (SELECT FROM {table}_default)")):  # noqa: S608 - names of ours
            await raise_alarm(session, ASTRAY, key=table, table=table)


async def drop_partition(session: AsyncSession, table: str, partition: Partition) -> None:
    """With all its rows. Raises DBAPIError while the table is busy."""
    await session.execute(_SHORTLY)
    await session.execute(text(f"ALTER TABLE {table}_by_month DETACH PARTITION {partition.name}"))
    await session.execute(text(f"DROP TABLE {partition.name}"))
    log.info("partition_dropped", partition=partition.name)


def month_of(at: datetime, ahead: int = 0) -> datetime:
    """The first moment of the month of ``at``, or of the one ``ahead`` months later; UTC."""
    months = at.astimezone(UTC).year * 12 + at.astimezone(UTC).month - 1 + ahead
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
