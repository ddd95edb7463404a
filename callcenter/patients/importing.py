"""Patients from a file (docs/patient-import.md): good rows are loaded, bad rows told; repeating changes nothing."""

import asyncio
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, TextIO
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import SYSTEM, Actor, AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.http import open_transaction
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.upsert import Written, put_rows
from callcenter.directory import service as directory
from callcenter.patients import queries
from callcenter.patients.import_files import MAX_ROWS, RawRow, open_table, refused
from callcenter.patients.import_rows import REASONS, ImportContext, PatientRow, RowProblem, parse_row, read_header
from callcenter.patients.models import Card, Patient, PatientNumber

BATCH_ROWS = 1_000

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


async def import_patients(
    database: Database,
    file: BinaryIO,
    *,
    number_plan: NumberPlan,
    check_code_key: str,
    progress: Progress | None = None,
    actor: Actor = SYSTEM,
) -> ImportReport:
    """Load a CSV or XLSX ``file`` (seekable) in transactions of about a thousand rows.

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
        context = await _context(database, number_plan, check_code_key)
        report = ImportReport()
        while batch := await asyncio.to_thread(_read_batch, table.rows, header, context):
            await _import_batch(database, actor, batch, header, report)
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


async def _import_batch(
    database: Database,
    actor: Actor,
    batch: Sequence[PatientRow | list[RowProblem]],
    header: Sequence[str],
    report: ImportReport,
) -> None:
    good = [parsed for parsed in batch if isinstance(parsed, PatientRow)]
    bad = [parsed for parsed in batch if isinstance(parsed, list)]
    async with open_transaction(database) as session:
        loaded, refused_rows = await _load_batch(session, actor, good, header)
    problems = [*refused_rows, *(problem for parsed in bad for problem in parsed)]
    report.problems += sorted(problems, key=lambda problem: problem.line)
    report.created += loaded.count(Written.CREATED)
    report.updated += loaded.count(Written.CHANGED)
    report.unchanged += loaded.count(Written.UNCHANGED)
    report.rejected += len(bad) + len(refused_rows)
    report.rows += len(batch)


def _read_batch(
    rows: Iterator[RawRow], header: Sequence[str], context: ImportContext
) -> list[PatientRow | list[RowProblem]]:
    """In a thread: reading the numbers of a thousand rows takes a tenth of a second."""
    return [parse_row(raw, header, context) for raw in islice(rows, BATCH_ROWS)]


async def _load_batch(
    session: AsyncSession, actor: Actor, rows: Sequence[PatientRow], header: Sequence[str]
) -> tuple[list[Written], list[RowProblem]]:
    """Patients, numbers and cards by one statement each, in one order, so that two imports cannot deadlock."""
    rows, problems = await _refuse_cards_of_others(session, rows)
    rows = sorted(rows, key=lambda row: row.external_id)
    if not rows:
        return [], problems
    patients = await _put_patients(session, rows, header)
    ids = await _ids_of(session, [row.external_id for row in rows])
    numbers = await _put_numbers(session, rows, ids)
    cards = await _put_cards(session, rows, ids)
    outcomes: list[Written] = []
    for row in rows:
        written = patients.get((row.external_id,), Written.UNCHANGED)
        touched = ids[row.external_id] in numbers or (row.card_number,) in cards
        outcomes.append(Written.CHANGED if written is Written.UNCHANGED and touched else written)
    await _audit(session, actor, zip((ids[row.external_id] for row in rows), outcomes, strict=True))
    return outcomes, problems


async def _refuse_cards_of_others(
    session: AsyncSession, rows: Sequence[PatientRow]
) -> tuple[list[PatientRow], list[RowProblem]]:
    owners = await _card_owners(session, [row.card_number for row in rows if row.card_number is not None])
    good, problems = [], []
    for row in rows:
        owner = owners.get(row.card_number) if row.card_number is not None else None
        if owner is not None and owner != row.external_id:
            problems.append(RowProblem(row.line, "card_number", "card-of-another-patient", row.external_id))
        elif row.card_number is not None and owner is None and row.check_code_hash is None:
            problems.append(RowProblem(row.line, "check_code", "check-code-missing", row.external_id))
        else:
            good.append(row)
    return good, problems


async def _card_owners(session: AsyncSession, numbers: Sequence[str]) -> dict[str | None, str]:
    statement = select(Card.number, Patient.external_id).join(Patient, Patient.id == Card.patient_id)
    found = await session.execute(statement.where(Card.number.in_(numbers)))
    return {row.number: row.external_id for row in found}


async def _put_patients(
    session: AsyncSession, rows: Sequence[PatientRow], header: Sequence[str]
) -> dict[tuple[Any, ...], Written]:
    at = now()
    columns = ["responsible_doctor_id" if name == "responsible_doctor" else name for name in header]
    payload = [
        {"id": new_id(), "external_id": row.external_id, **row.values, "created_at": at, "updated_at": at}
        for row in rows
    ]
    return await put_rows(
        session,
        Patient,
        payload,
        key=["external_id"],
        update=[name for name in columns if name in rows[0].values],
        touch={"updated_at": at},
    )


async def _ids_of(session: AsyncSession, external_ids: Sequence[str]) -> dict[str, UUID]:
    found = await session.execute(select(Patient.external_id, Patient.id).where(Patient.external_id.in_(external_ids)))
    return {row.external_id: row.id for row in found}


async def _put_numbers(session: AsyncSession, rows: Sequence[PatientRow], ids: dict[str, UUID]) -> set[UUID]:
    payload = [
        {"e164": e164, "patient_id": ids[row.external_id], "relation": relation}
        for row in rows
        for e164, relation in sorted(row.numbers)
    ]
    written = await put_rows(session, PatientNumber, payload, key=["e164", "patient_id"], update=["relation"])
    return {patient_id for _, patient_id in written}


async def _put_cards(
    session: AsyncSession, rows: Sequence[PatientRow], ids: dict[str, UUID]
) -> dict[tuple[Any, ...], Written]:
    """A card that staff have closed stays closed."""
    payload = [
        {
            "number": row.card_number,
            "patient_id": ids[row.external_id],
            "check_code_hash": row.check_code_hash,
            "active": True,
        }
        for row in rows
        if row.card_number is not None and row.check_code_hash is not None
    ]
    return await put_rows(session, Card, payload, key=["number"], update=["check_code_hash"], same=["patient_id"])


async def _audit(session: AsyncSession, actor: Actor, outcomes: Any) -> None:
    entries = [
        {
            "at": now(),
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "actor_name": actor.name,
            "source": actor.source,
            "action": "patients.import",
            "subject_id": None,
            "patient_id": patient_id,
            "details": {"written": written},
        }
        for patient_id, written in outcomes
        if written is not Written.UNCHANGED
    ]
    if entries:
        await session.execute(insert(AuditEntry), entries)


def write_problems(report: ImportReport, target: TextIO) -> None:
    """The bad rows as CSV for the people who keep the file: line, column, external_id, reason, zh, en.

    Open ``target`` with encoding ``utf-8-sig`` and ``newline=""``: Excel then shows the Chinese.
    """
    writer = csv.writer(target)
    writer.writerow(["line", "column", "external_id", "reason", "reason_zh", "reason_en"])
    for problem in report.problems:
        cells = [problem.column, problem.external_id, problem.reason, *REASONS[problem.reason]]
        writer.writerow([problem.line, *(defused(cell) for cell in cells)])


def defused(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
