"""A file that somebody sends as a table of texts: CSV in the encodings hospitals send, or XLSX. Nothing is trusted.

Blocking and lazy: rows are read as they are asked for, so that a large file is never held in memory whole.
"""

import asyncio
import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, BinaryIO, NamedTuple, TypeVar
from xml.etree import ElementTree

from callcenter.core.errors import InvalidInput

Batch = TypeVar("Batch")

MAX_UPLOAD_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_ROWS = 2_000_000
MAX_COLUMNS = 64
MAX_CELL_LENGTH = 1_000
_MAX_UNPACKED_BYTES = 256 * 1024 * 1024
_MAX_ZIP_ENTRIES = 2_000

REFUSALS: dict[str, tuple[str, str]] = {
    "too-large": ("文件超过 512 MB，请拆分后再导入。", "The file is larger than 512 MB: split it."),
    "too-many-rows": ("文件超过 200 万行，请拆分后再导入。", "The file has more than 2,000,000 rows: split it."),
    "old-excel": ("不支持旧版 .xls，请另存为 .xlsx 或 CSV。", "This is an old .xls file: save it as .xlsx or CSV."),
    "broken-xlsx": ("Excel 文件已损坏，请重新另存为 .xlsx。", "The Excel file is broken: save it again as .xlsx."),
    "xlsx-too-big-inside": (
        "Excel 文件解压后过大，请拆分或改用 CSV。",
        "The Excel file is too big when unpacked: split it or use CSV.",
    ),
    "encoding": ("无法识别文字编码，请存为 UTF-8 CSV。", "The text encoding is not known: save it as CSV UTF-8."),
    "not-a-table": ("文件不是 CSV 或 XLSX 表格。", "The file is neither a CSV nor an XLSX table."),
    "empty": ("文件为空，没有表头。", "The file is empty: there is no header row."),
    "repeated-column": ("表头中有重复的列。", "The header names a column twice."),
}


class ImportRefused(InvalidInput):
    """The file as a whole cannot be loaded; ``details["reason"]`` is a stable word, the message says the remedy."""

    code = "import-refused"
    title_en, title_zh = "The file cannot be imported.", "无法导入该文件。"


def refused(reason: str, texts: Mapping[str, tuple[str, str]] = REFUSALS, **details: Any) -> ImportRefused:
    """The error for one of ``texts``, with its sentence in both languages."""
    chinese, english = texts[reason]
    return ImportRefused(english, reason=reason, text_zh=chinese, text_en=english, **details)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong in one row. ``row_id`` helps to find it: an id, never another value of the row."""

    line: int
    column: str
    reason: str
    row_id: str


CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""What no cell may hold. Also halves of characters (surrogates), which UTF-8 cannot hold."""
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f\ud800-\udfff]{1,64}@[^@\s\x00-\x1f\x7f\ud800-\udfff]{1,190}")


class RawRow(NamedTuple):
    """``line``: as a person finds it in the file (CSV: first physical line of the row; XLSX: row number)."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class RawTable:
    """``rows`` begin with the header; close them before the file. ``rows_total``: without the header, estimated."""

    rows: Generator[RawRow, None, None]
    rows_total: int | None


def open_table(file: BinaryIO) -> RawTable:
    """Recognise the kind of ``file`` (seekable) by its content. Raises ImportRefused, also while rows are read."""
    size = file.seek(0, io.SEEK_END)
    if size > MAX_FILE_BYTES:
        raise refused("too-large")
    file.seek(0)
    beginning = file.read(8)
    file.seek(0)
    if beginning.startswith(b"PK\x03\x04"):
        return _open_xlsx(file)
    if beginning.startswith(b"\xd0\xcf\x11\xe0"):
        raise refused("old-excel")
    return _open_csv(file)


async def read_ahead(read: Callable[[], Batch | None]) -> AsyncGenerator[Batch]:
    """What ``read`` returns until it returns None; it runs in a thread while the one before is dealt with."""
    reading = asyncio.create_task(asyncio.to_thread(read))
    try:
        while (batch := await asyncio.shield(reading)) is not None:
            reading = asyncio.create_task(asyncio.to_thread(read))
            yield batch
    finally:
        await asyncio.wait({reading})  # nobody else may read on, or close the file, before the thread has ended


# -- CSV


def _open_csv(file: BinaryIO) -> RawTable:
    encoding, lines = _detect_encoding(file)
    if lines > MAX_ROWS + 1:
        raise refused("too-many-rows")
    file.seek(0)
    return RawTable(_csv_rows(file, encoding), max(lines - 1, 0))


def _detect_encoding(file: BinaryIO) -> tuple[str, int]:
    """UTF-8 (with or without BOM) if the whole file is, otherwise GB18030; and how many lines there are."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        file.seek(0)
        newlines, ends_open = 0, False
        try:
            while chunk := file.read(1_048_576):
                if b"\x00" in chunk:
                    raise refused("not-a-table")
                decoder.decode(chunk)
                newlines += chunk.count(b"\n")
                ends_open = not chunk.endswith(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding, newlines + ends_open
    raise refused("encoding")


def _csv_rows(file: BinaryIO, encoding: str) -> Generator[RawRow, None, None]:
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    reader = csv.reader(text)
    try:
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except csv.Error:  # a quote that never closes: one row of nonsense, reported as such
                cells = ["\ufffd" * (MAX_CELL_LENGTH + 1)]
            except StopIteration:
                return
            if "".join(cells).strip():
                yield RawRow(line, cells)
    finally:
        text.detach()


# -- XLSX

_XLSX_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
)
"""What openpyxl and zipfile raise on files that somebody broke, by hand or on the way."""


def _open_xlsx(file: BinaryIO) -> RawTable:
    from openpyxl import load_workbook  # at the first workbook: every start of the service would wait for it

    try:
        _refuse_bomb(file)
        workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = workbook.worksheets[0]
        rows_total = None if sheet.max_row is None else sheet.max_row - 1
    except _XLSX_FAULTS as error:
        raise refused("broken-xlsx") from error
    if rows_total is not None and rows_total > MAX_ROWS:
        raise refused("too-many-rows")
    return RawTable(_xlsx_rows(sheet), rows_total)


def _refuse_bomb(file: BinaryIO) -> None:
    """By the sizes the archive declares; zipfile hands out no more than those."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ZIP_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED_BYTES:
            raise refused("xlsx-too-big-inside")
    file.seek(0)


def _xlsx_rows(sheet: Any) -> Generator[RawRow, None, None]:
    width = 0
    try:
        for line, values in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS), start=1):
            cells = [_text(value).strip() for value in values]
            while cells and not cells[-1] and len(cells) > width:
                cells.pop()
            width = width or len(cells)  # the header's; shorter rows are filled up, as Excel stores no empty cells
            if any(cells):
                yield RawRow(line, cells + [""] * (width - len(cells)))
    except _XLSX_FAULTS as error:
        raise refused("broken-xlsx") from error


def _text(value: object) -> str:
    """A cell as a person typed it: 13800000001 and not 13800000001.0, a date without its midnight."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() != time():
            return value.isoformat(sep=" ", timespec="seconds")
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)
