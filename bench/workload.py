"""Workload of a month: 200 agents who took 80 calls on each of its days, by the hour.

Ours is the report as it is asked for: a page, the whole as CSV, the whole as XLSX. The reference is PostgreSQL reading
the same rows of history and counting them by agent, which is the least that any such report must do.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bench.figures import Figure
from bench.places import bench_database
from bench.processes import resident_mb
from callcenter.core import table_files
from callcenter.core.db import Database
from callcenter.reports import export, queries, service
from callcenter.reports.intervals import Interval
from callcenter.reports.service import Workload

AGENTS, DAYS, CALLS_A_DAY = 200, 31, 80
PAGE = 100
ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 1, 1, tzinfo=ZONE)
END = datetime(2026, 2, 1, tzinfo=ZONE)
LATER = datetime(2026, 3, 1, tzinfo=UTC)
GOAL_SECONDS = 5.0

_FILL = """
    INSERT INTO agents (id, number, display_name, wanted, wanted_since, activity, activity_since, sequence)
    SELECT lpad(to_hex(n), 32, '0')::uuid, (1000 + n)::text, '座席', 'logged_out', now(), 'idle', now(), 0
    FROM generate_series(1, {agents}) AS n;
    INSERT INTO agent_state_changes (agent_id, sequence, at, cause, actor_name, wanted_before, wanted, pause_reason,
        activity_before, activity, call_id, seat_name)
    SELECT lpad(to_hex(n), 32, '0')::uuid, row_number() OVER (PARTITION BY n ORDER BY day, call, step),
        timestamptz '{start}' + make_interval(days => day, hours => 8, secs => CASE step WHEN -1 THEN 0
            WHEN 9 THEN 32400 ELSE 300 + call * 375 + (ARRAY[0, 6.25, 190.5, 220.75])[step] END),
        'system', 'pbx', 'available',
        CASE step WHEN -1 THEN 'paused' WHEN 9 THEN 'logged_out' ELSE 'available' END, NULL, 'idle',
        CASE WHEN step < 1 OR step > 4 THEN 'idle' ELSE (ARRAY['ringing', 'on_call', 'wrap_up', 'idle'])[step] END,
        CASE WHEN step IN (1, 2) THEN 'pbx1-' || n || '.' || day || '.' || call END, 'seat'
    FROM generate_series(1, {agents}) AS n, generate_series(0, {days} - 1) AS day,
        generate_series(0, {calls} - 1) AS call, generate_series(-1, 9) AS step
    WHERE step BETWEEN 1 AND 4 OR (step = -1 AND call = 0) OR (step = 9 AND call = {calls} - 1);
    INSERT INTO legs_by_month (uniqueid, call_id, channel, role, seat_name, agent_number, started_at, answered_at,
        ended_at, queue_name, offer, held)
    SELECT 'pbx1-' || n || '.' || day || '.' || call, 'pbx1-' || n || '.' || day || '.' || call, 'PJSIP/seat', 'agent',
        'seat', (1000 + n)::text, began, began + interval '6.25 s', began + interval '190.5 s', 'consultation',
        'answered',
        CASE WHEN call % 10 = 0 THEN tstzmultirange(tstzrange(began + interval '60 s', began + interval '90 s')) END
    FROM generate_series(1, {agents}) AS n, generate_series(0, {days} - 1) AS day,
        generate_series(0, {calls} - 1) AS call,
    LATERAL (SELECT timestamptz '{start}' + make_interval(days => day, hours => 8, secs => 300 + call * 375) AS began);
    INSERT INTO queue_visits_by_month (call_id, uniqueid, number, queue_name, priority, outcome, entered_at,
        answered_at, left_at, wait_seconds, talk_seconds, agent_number, offers, rating)
    SELECT call_id, uniqueid, 1, queue_name, 0, 'answered', started_at, answered_at, answered_at, 6.25, 150,
        agent_number, 1, CASE WHEN right(call_id, 1) IN ('1', '4', '7') THEN 5 END
    FROM legs_by_month;
"""


def run() -> Iterator[Figure]:
    with bench_database() as url:
        yield from asyncio.run(_measure(url))


async def _measure(url: str) -> list[Figure]:
    database = Database(url)
    try:
        await _fill(database)
        async with database.transaction() as session:
            people = await queries.list_people(session, numbers=None, queue=None, scope=None, user_id=None)
        reference = await _timed(_count_history(database))
        of_month = f"workload of {AGENTS} agents by the hour, {DAYS} days"
        figures = []
        for by_queue in (False, True):
            wanted = Workload(
                people=people,
                borders=service.cut_period(START, END, Interval.HOUR, ZONE),
                by_agent=True,
                by_queue=by_queue,
                queues=None,
                pbx="pbx1",
            )
            what = f"{of_month}{', and by queue' if by_queue else ''}"
            page, csv = await _timed(_page(database, wanted)), await _timed(_csv(database, wanted))
            figures.append(Figure(f"{what}: a page of {PAGE}", page, "s", goal=1.0))
            figures.append(
                Figure(
                    f"{what}: CSV",
                    csv,
                    "s",
                    reference,
                    "reading and counting the history",
                    goal=GOAL_SECONDS / reference,
                )
            )
        before = resident_mb(os.getpid())
        figures.append(Figure(f"{of_month}: XLSX", await _timed(_xlsx(database, wanted)), "s"))
        figures.append(Figure("... memory it takes", resident_mb(os.getpid()) - before, "MB"))
        return figures
    finally:
        await database.close()


async def _fill(database: Database) -> None:
    statements = _FILL.format(agents=AGENTS, days=DAYS, calls=CALLS_A_DAY, start=START.isoformat())
    for statement in filter(str.strip, statements.split(";\n")):
        async with database.engine.begin() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            await driver.execute(statement, timeout=1_800)  # type: ignore[union-attr]
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = (await autocommit.get_raw_connection()).driver_connection
        await driver.execute("VACUUM (ANALYZE)", timeout=1_800)  # type: ignore[union-attr]


async def _count_history(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(
                "SELECT agent_id, activity, count(*), max(at) FROM agent_state_changes"
                " WHERE at >= :start AND at < :end GROUP BY agent_id, activity"
            ),
            {"start": START, "end": END},
        )


async def _page(database: Database, wanted: Workload) -> None:
    async with database.transaction() as session:
        await service.list_page(session, wanted, after=None, limit=PAGE, at=LATER)


async def _csv(database: Database, wanted: Workload) -> None:
    async for _ in table_files.csv_lines(_pages(database, wanted), _columns(wanted), "en"):
        pass


async def _xlsx(database: Database, wanted: Workload) -> None:
    file = await table_files.write_xlsx(_pages(database, wanted), _columns(wanted), "en", "Workload")
    file.close()


def _pages(database: Database, wanted: Workload) -> AsyncIterator[list[service.WorkloadRow]]:
    return service.iterate_rows(database, wanted, at=LATER)


def _columns(wanted: Workload) -> tuple[export.Column, ...]:
    return export.columns_of((), ZONE, by_agent=wanted.by_agent, by_queue=wanted.by_queue)


async def _timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began
