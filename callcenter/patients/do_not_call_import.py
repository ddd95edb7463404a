"""Do-not-call lists from a file: good rows are put on the list, bad rows told; the same file again changes nothing.

Columns: ``number`` or ``external_id`` (of a patient: then all their numbers), ``reason``, ``until`` (the last day).
A row has one of the first two. Who is listed already stays so, for the longer of both spans.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

from callcenter.callouts import do_not_call
from callcenter.callouts.do_not_call import Whom, Wish
from callcenter.core.audit import Actor
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.http import open_transaction
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.uploaded_tables import CONTROL, RawRow, RowProblem, open_table, read_ahead, refused
from callcenter.patients import queries

BATCH_ROWS = 5_000
_LONGEST = {"external_id": 64, "number": 60, "reason": 500, "until": 30}
_ALIASES = {"电话": "number", "手机号": "number", "患者编号": "external_id", "原因": "reason", "截止日期": "until"}
_IMPORTED = "名单导入 · imported"

REFUSALS: dict[str, tuple[str, str]] = {
    "missing-column": ("表头中要有 number 或 external_id。", "The header needs number or external_id."),
    "unknown-column": (
        "表头中只能有 number、external_id、reason、until。",
        "The header may have number, external_id, reason and until only.",
    ),
}
"""Of a whole file, beside those of :mod:`callcenter.core.uploaded_tables`."""

REASONS: dict[str, tuple[str, str]] = {
    "wrong-cell-count": ("该行的列数与表头不同。", "The row has another number of cells than the header."),
    "cell-too-long": ("内容过长。", "Longer than it may be."),
    "bad-text": ("含有不允许的字符。", "Holds characters that are not allowed."),
    "number-or-patient": (
        "每行填写电话或患者编号之一。",
        "A row has either a number or a patient's external id.",
    ),
    "unreadable-number": ("无法识别电话号码。", "A telephone number cannot be read."),
    "unknown-patient": ("没有该编号的患者。", "No patient has this external id."),
    "bad-date": ("日期应为 YYYY-MM-DD，且不早于今天。", "A date is YYYY-MM-DD and not in the past."),
}


@dataclass(slots=True)
class ImportReport:
    """``added + listed + rejected == rows``. ``listed``: were on the list already, or stand in the file before."""

    rows: int = 0
    added: int = 0
    listed: int = 0
    problems: list[RowProblem] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        return len(self.problems)


@dataclass(frozen=True, slots=True)
class _Row:
    """``number`` or ``external_id``; the other is None."""

    line: int
    number: str | None
    external_id: str | None
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one file, whose columns stand in ``header`` (:func:`read_header`). Pure."""

    header: Sequence[str]
    plan: NumberPlan
    zone: ZoneInfo
    today: date

    def read(self, raw: RawRow) -> _Row | RowProblem:
        """The row, or the first thing that is wrong with it."""
        width = len(self.header)
        if len(raw.cells) < width or any(raw.cells[width:]):
            return RowProblem(raw.line, "", "wrong-cell-count", "")
        cells = {name: text.strip() for name, text in zip(self.header, raw.cells, strict=False)}
        for name, text in cells.items():
            if len(text) > _LONGEST[name]:
                return RowProblem(raw.line, name, "cell-too-long", "")
            if CONTROL.search(text):
                return RowProblem(raw.line, name, "bad-text", "")
        written, external_id = cells.get("number", ""), cells.get("external_id", "")
        if bool(written) == bool(external_id):
            return RowProblem(raw.line, "", "number-or-patient", external_id)
        number = self.plan.normalise(written) if written else None
        if written and number is None:
            return RowProblem(raw.line, "number", "unreadable-number", "")
        try:
            until = self._end_of(cells.get("until", ""))
        except ValueError:
            return RowProblem(raw.line, "until", "bad-date", external_id)
        return _Row(raw.line, number, external_id or None, cells.get("reason") or _IMPORTED, until)

    def _end_of(self, day: str) -> datetime | None:
        """When the day is over where the hospital is. Raises ValueError."""
        if not day:
            return None
        last = date.fromisoformat(day.replace("/", "-"))
        if last < self.today:
            raise ValueError("in the past")
        return datetime.combine(last + timedelta(days=1), time(), self.zone)


def read_header(cells: Sequence[str]) -> list[str]:
    """The columns in the file's order; raises ImportRefused. Unknown names are told by position, not quoted."""
    names = [cell.strip().lstrip("\ufeff").lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    names = [_ALIASES.get(name, name) for name in names]
    unknown = [position for position, name in enumerate(names, start=1) if name not in _LONGEST]
    if unknown:
        raise refused("unknown-column", REFUSALS, columns=unknown)
    if len(set(names)) != len(names):
        raise refused("repeated-column")
    if not {"number", "external_id"} & set(names):
        raise refused("missing-column", REFUSALS)
    return names


async def import_do_not_call(
    database: Database, actor: Actor, file: BinaryIO, *, plan: NumberPlan, zone: ZoneInfo
) -> ImportReport:
    """Put the rows of a CSV or XLSX ``file`` (seekable) on the list, in transactions of BATCH_ROWS rows.

    Raises ImportRefused for a file that cannot be read at all; if that shows only half-way, the rows before stay.
    """
    table = await asyncio.to_thread(open_table, file)
    with closing(table.rows):
        first = await asyncio.to_thread(next, table.rows, None)
        if first is None:
            raise refused("empty")
        reader = RowReader(read_header(first.cells), plan, zone, now().astimezone(zone).date())
        report = ImportReport()
        async with aclosing(read_ahead(lambda: _read_batch(table.rows, reader))) as batches:
            async for batch in batches:
                await _load_batch(database, actor, batch, report)
    return report


def _read_batch(rows: Iterator[RawRow], reader: RowReader) -> list[_Row | RowProblem] | None:
    """The next BATCH_ROWS rows; None at the end."""
    return [reader.read(raw) for raw in islice(rows, BATCH_ROWS)] or None


async def _load_batch(
    database: Database, actor: Actor, batch: Sequence[_Row | RowProblem], report: ImportReport
) -> None:
    problems = [row for row in batch if isinstance(row, RowProblem)]
    rows = [row for row in batch if isinstance(row, _Row)]
    wishes: dict[Whom, Wish] = {}
    async with open_transaction(database) as session:
        named = {row.external_id for row in rows if row.external_id is not None}
        patients = await queries.ids_by_external_id(session, named)
        for row in rows:
            whom: str | UUID | None = row.number or patients.get(row.external_id or "")
            if whom is None:
                problems.append(RowProblem(row.line, "external_id", "unknown-patient", row.external_id or ""))
            else:
                wish = Wish(whom, row.reason, row.until)
                wishes[whom] = wish if whom not in wishes else do_not_call.longer(wishes[whom], wish)
        added = await do_not_call.add_entries(session, actor, list(wishes.values()), at=now())
    report.problems += sorted(problems, key=lambda problem: problem.line)
    report.rows += len(batch)
    report.added += added
    report.listed += len(batch) - len(problems) - added
