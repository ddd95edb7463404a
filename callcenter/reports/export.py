"""Workload as a file: CSV written while it is read, or XLSX row by row into a file of its own."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from callcenter.agents.models import PauseReason
from callcenter.core.spreadsheets import cell
from callcenter.reports.service import WorkloadRow

Value = str | int | float | datetime | timedelta | None

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BYTES_AT_ONCE = 65_536
_AT_A_TIME = 2_000
"""Rows that a thread writes before it gives its turn to the server."""
_DURATION = "[h]:mm:ss"
_INSTANT = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; a duration is written as seconds into CSV, as hours, minutes and seconds into a spreadsheet."""

    zh: str
    en: str
    value: Callable[[WorkloadRow], Value]
    is_duration: bool = False

    def heading(self, language: str) -> str:
        return self.en if language == "en" else self.zh


def columns_of(reasons: Iterable[PauseReason], zone: ZoneInfo, *, by_agent: bool, by_queue: bool) -> tuple[Column, ...]:
    """Of a report grouped like this; one for each reason to pause."""
    return (
        Column("开始", "From", lambda row: row.start.astimezone(zone)),
        Column("结束", "Until", lambda row: row.end.astimezone(zone)),
        *(_OF_AGENT if by_agent else ()),
        *(_OF_QUEUE if by_queue else ()),
        Column("签入时长", "Logged in", lambda row: row.sums.logged_in, is_duration=True),
        Column("可接听时长", "Available", lambda row: row.sums.available, is_duration=True),
        Column("小休时长", "Paused", lambda row: sum(row.sums.paused.values(), timedelta()), is_duration=True),
        Column("其中：未就绪", "Paused: not yet available", _paused_for(None), is_duration=True),
        *(
            Column(f"其中：{reason.label_zh}", f"Paused: {reason.label_en}", _paused_for(reason.code), is_duration=True)
            for reason in reasons
        ),
        *_REST,
    )


def _paused_for(code: str | None) -> Callable[[WorkloadRow], Value]:
    return lambda row: row.sums.paused.get(code, timedelta())


_OF_AGENT = (
    Column("工号", "Agent", lambda row: row.person.number if row.person else None),
    Column("姓名", "Name", lambda row: row.person.display_name if row.person else None),
)
_OF_QUEUE = (Column("队列", "Queue", lambda row: row.queue_name),)
_REST = (
    Column("振铃时长", "Ringing", lambda row: row.sums.ringing, is_duration=True),
    Column("通话时长", "Talking", lambda row: row.sums.talk, is_duration=True),
    Column("保持时长", "On hold", lambda row: row.sums.hold, is_duration=True),
    Column("话后处理时长", "Wrap-up", lambda row: row.sums.wrap_up, is_duration=True),
    Column("无记录时长", "Unobserved", lambda row: row.sums.unobserved, is_duration=True),
    Column("分配来电", "Offered", lambda row: row.sums.offered),
    Column("接听", "Answered", lambda row: row.sums.answered),
    Column("漏接", "Missed", lambda row: row.sums.missed),
    Column("撤回（对方先挂断或他人接听）", "Withdrawn", lambda row: row.sums.withdrawn),
    Column("转接", "Transferred", lambda row: row.sums.transferred),
    Column("评分次数", "Marks", lambda row: row.sums.rated),
    Column("平均评分", "Average mark", lambda row: row.sums.average_rating),
    Column("受理工单", "Work orders taken", lambda row: row.sums.work_orders_taken),
    Column("办结工单", "Work orders closed", lambda row: row.sums.work_orders_closed),
)


async def csv_lines(
    pages: AsyncIterator[list[WorkloadRow]], columns: Sequence[Column], language: str
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


async def write_xlsx(pages: AsyncIterator[list[WorkloadRow]], columns: Sequence[Column], language: str) -> IO[bytes]:
    """A file, open at its beginning, that is gone when it is closed. Memory stays flat, the server goes on."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Workload" if language == "en" else "工作量")
    sheet.freeze_panes = "A2"
    sheet.append([cell(column.heading(language)) for column in columns])
    async for rows in pages:
        for first in range(0, len(rows), _AT_A_TIME):
            await asyncio.to_thread(_append, sheet, rows[first : first + _AT_A_TIME], columns)
    return await asyncio.to_thread(_save, book)


def _append(sheet: WriteOnlyWorksheet, rows: Iterable[WorkloadRow], columns: Sequence[Column]) -> None:
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
