"""Patients from a file (docs/patient-import.md): good rows are loaded, bad rows told; repeating changes nothing.

While PostgreSQL writes one batch, a thread reads the next: neither waits for the other, and no more than two are held.
"""

import asyncio
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, TextIO

from callcenter.core.audit import SYSTEM, Actor
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.http import open_transaction
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.spreadsheets import cell
from callcenter.core.uploaded_tables import MAX_ROWS, RawRow, RowProblem, open_table, read_ahead, refused
from callcenter.core.upsert import Written
from callcenter.directory import service as directory
from callcenter.patients import import_sql, queries
from callcenter.patients.import_rows import (
    PATIENT_COLUMNS,
    REASONS,
    ImportContext,
    PatientRow,
    RowReader,
    read_header,
)

BATCH_ROWS = 20_000
"""A transaction of about a second."""

Progress = Callable[[int, int | None], None]
"""Called after each batch with the rows done and, where it is known, about how many there are."""


@dataclass(slots=True)
class ImportReport:
    """``created + updated + unchanged + rejected == rows``. ``problems``: every bad cell, in the file's order."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    problems: list[RowProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows as they stand in the file: ``good`` ones for COPY, and what is wrong with the others."""

    rows: int
    good: bytes
    rejected: int
    problems: list[RowProblem]


async def import_patients(
    database: Database,
    file: BinaryIO,
    *,
    number_plan: NumberPlan,
    check_code_key: str,
    progress: Progress | None = None,
    actor: Actor = SYSTEM,
) -> ImportReport:
    """Load a CSV or XLSX ``file`` (seekable) in transactions of BATCH_ROWS rows.

    A column that the file lacks is left as it is; an empty cell clears the value (numbers are only ever added,
    a card keeps its code). Raises ImportRefused for a file that cannot be read at all; if that shows only
    half-way, the rows before stay loaded.
    """
    table = await asyncio.to_thread(open_table, file)
    with closing(table.rows):
        first = await asyncio.to_thread(next, table.rows, None)
        if first is None:
            raise refused("empty")
        header = read_header(first.cells)
        reader = RowReader(header, await _context(database, number_plan, check_code_key))
        columns = [column for name, column in PATIENT_COLUMNS.items() if name in header]
        report = ImportReport()
        async with aclosing(read_ahead(lambda: _read_batch(table.rows, reader))) as batches:
            async for batch in batches:
                await _load_batch(database, actor, batch, columns, report)
                if report.rows > MAX_ROWS:
                    raise refused("too-many-rows")
                if progress is not None:
                    progress(report.rows, max(table.rows_total, report.rows) if table.rows_total else None)
    return report


async def _context(database: Database, number_plan: NumberPlan, check_code_key: str) -> ImportContext:
    async with open_transaction(database) as session:
        return ImportContext(
            number_plan=number_plan,
            check_code_key=check_code_key,
            vip_grades=frozenset(grade.code for grade in await queries.vip_grades(session)),
            doctor_ids=await directory.doctor_ids_by_code(session),
        )


def _read_batch(rows: Iterator[RawRow], reader: RowReader) -> _Batch | None:
    """The next BATCH_ROWS rows; None at the end."""
    lines: list[str] = []
    problems: list[RowProblem] = []
    done = 0
    for raw in islice(rows, BATCH_ROWS):
        row = reader.read(raw)  # one by one: twenty thousand kept rows would cost as much again in collections
        if isinstance(row, PatientRow):
            lines.append(import_sql.copy_line(row))
        else:
            problems += row
        done += 1
    return _Batch(done, "".join(lines).encode(), done - len(lines), problems) if done else None


async def _load_batch(
    database: Database, actor: Actor, batch: _Batch, columns: Sequence[str], report: ImportReport
) -> None:
    async with open_transaction(database) as session:
        await import_sql.stage(session, batch.good)
        await import_sql.plan(session, columns)
        refused_cards = await import_sql.refused_cards(session)
        written = await import_sql.put(session, columns, at=now(), actor=actor)
    report.problems += sorted([*refused_cards, *batch.problems], key=lambda problem: problem.line)
    report.created += written.get(Written.CREATED, 0)
    report.updated += written.get(Written.CHANGED, 0)
    report.unchanged += written.get(Written.UNCHANGED, 0)
    report.rejected += batch.rejected + len(refused_cards)
    report.rows += batch.rows


def write_problems(report: ImportReport, target: TextIO) -> None:
    """The bad rows as CSV for the people who keep the file: line, column, external_id, reason, zh, en.

    Open ``target`` with encoding ``utf-8-sig`` and ``newline=""``: Excel then shows the Chinese.
    """
    writer = csv.writer(target)
    writer.writerow(["line", "column", "external_id", "reason", "reason_zh", "reason_en"])
    for problem in report.problems:
        cells = [problem.column, problem.row_id, problem.reason, *REASONS[problem.reason]]
        writer.writerow([problem.line, *map(cell, cells)])
