"""Tables as files that people open in a spreadsheet: CSV written while it is read, XLSX row by row into a file.

Memory stays flat however many rows there are, and the server goes on meanwhile.
"""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Generic, TypeVar

from fastapi.responses import StreamingResponse
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from callcenter.core.spreadsheets import cell

Row = TypeVar("Row")
Value = str | int | float | datetime | timedelta | None

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
"""``responses=`` of a route that gives files."""
_BYTES_AT_ONCE = 65_536
_AT_A_TIME = 2_000
"""Rows that a thread writes before it gives its turn to the server."""
_DURATION = "[h]:mm:ss"
_INSTANT = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)  # slots and Generic do not go together in Python 3.11
class Column(Generic[Row]):
    """A column; a duration is written as seconds into CSV, as hours, minutes and seconds into a spreadsheet."""

    zh: str
    en: str
    value: Callable[[Row], Value]
    is_duration: bool = False

    def heading(self, language: str) -> str:
        return self.en if language == "en" else self.zh


async def file_response(
    pages: AsyncIterator[list[Row]],
    columns: Sequence[Column[Row]],
    *,
    language: str,
    title: str,
    name: str,
    form: str,
) -> StreamingResponse:
    """``form``: ``csv`` or ``xlsx``; ``title``: of the sheet; ``name``: of the file, in plain letters."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "csv":
        lines = csv_lines(pages, columns, language)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
    file = await write_xlsx(pages, columns, language, title)
    return StreamingResponse(pieces_of(file), media_type=XLSX, headers=headers)


async def csv_lines(
    pages: AsyncIterator[list[Row]], columns: Sequence[Column[Row]], language: str
) -> AsyncIterator[str]:
    """Headings and rows. Durations in seconds. Begins with a byte order mark: Excel reads Chinese only so."""
    unit = " (s)" if language == "en" else "（秒）"
    headings = [column.heading(language) + (unit if column.is_duration else "") for column in columns]
    yield "\ufeff" + _lines([map(cell, headings)])
    async for rows in pages:
        if rows:
            yield _lines([_plain(column.value(row)) for column in columns] for row in rows)


def _plain(value: Value) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.6f}"
    return value.isoformat() if isinstance(value, datetime) else cell(value)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


async def write_xlsx(
    pages: AsyncIterator[list[Row]], columns: Sequence[Column[Row]], language: str, title: str
) -> IO[bytes]:
    """A file, open at its beginning, that is gone when it is closed. Memory stays flat, the server goes on."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.append([cell(column.heading(language)) for column in columns])
    async for rows in pages:
        for first in range(0, len(rows), _AT_A_TIME):
            await asyncio.to_thread(_append, sheet, rows[first : first + _AT_A_TIME], columns)
    return await asyncio.to_thread(_save, book)


def _append(sheet: WriteOnlyWorksheet, rows: Iterable[Row], columns: Sequence[Column[Row]]) -> None:
    for row in rows:
        sheet.append([_spreadsheet_cell(sheet, column.value(row)) for column in columns])


def _spreadsheet_cell(sheet: WriteOnlyWorksheet, value: Value) -> object:
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, timedelta):
        found = WriteOnlyCell(sheet, value / timedelta(days=1))
        found.number_format = _DURATION
        return found
    if isinstance(value, datetime):
        found = WriteOnlyCell(sheet, value.replace(tzinfo=None))
        found.number_format = _INSTANT
        return found
    return value


def _save(book: Workbook) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by pieces_of
    book.save(file)
    file.seek(0)
    return file


async def pieces_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The file's content; closes it."""
    try:
        while piece := await asyncio.to_thread(file.read, _BYTES_AT_ONCE):
            yield piece
    finally:
        file.close()
