"""Files as hospitals, spreadsheets and attackers make them."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from callcenter.core import uploaded_tables
from callcenter.core.uploaded_tables import ImportRefused, RawRow, open_table


def rows_of(data: bytes) -> list[RawRow]:
    return list(open_table(io.BytesIO(data)).rows)


def refusal_of(data: bytes) -> str:
    with pytest.raises(ImportRefused) as caught:
        rows_of(data)
    assert caught.value.details["text_zh"]
    return str(caught.value.details["reason"])


def xlsx(rows: Sequence[Sequence[object]]) -> bytes:
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_csv_in_the_encodings_hospitals_send(encoding: str) -> None:
    data = "external_id,name\nP1,张三\nP2,欧阳静\n".encode(encoding)
    assert [row.cells for row in rows_of(data)] == [["external_id", "name"], ["P1", "张三"], ["P2", "欧阳静"]]


def test_lines_are_counted_as_a_person_counts_them() -> None:
    data = b'external_id,name\r\n\r\nP1,"a\nb"\r\nP2,c\r\n'
    assert [row.line for row in rows_of(data)] == [1, 3, 5]


def test_the_number_of_rows_is_known_beforehand() -> None:
    assert open_table(io.BytesIO(b"external_id,name\nP1,a\nP2,b")).rows_total == 2


def test_a_quote_that_never_closes_is_one_bad_row_and_not_an_error() -> None:
    rows = rows_of(b'external_id,name\nP1,"' + b"x,\n" * 60_000)
    assert rows[0].cells == ["external_id", "name"]
    assert len(rows[1].cells[0]) > uploaded_tables.MAX_CELL_LENGTH


def test_xlsx_cells_become_what_a_person_typed() -> None:
    data = xlsx(
        [
            ["external_id", "name", "birth_date", "numbers", "deceased", None],
            [1001, "张三", date(1958, 3, 2), 13800000001, False, None],
            [1002.0, "李四", datetime(1960, 1, 5), 1.3800000002e10, None, None],
            [None, None, None, None, None, None],
            ["P3", "王五"],
        ]
    )
    assert [(row.line, row.cells) for row in rows_of(data)] == [
        (1, ["external_id", "name", "birth_date", "numbers", "deceased"]),
        (2, ["1001", "张三", "1958-03-02", "13800000001", "no"]),
        (3, ["1002", "李四", "1960-01-05", "13800000002", ""]),
        (5, ["P3", "王五", "", "", ""]),
    ]


def test_files_that_are_no_table() -> None:
    assert refusal_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100) == "old-excel"
    assert refusal_of(b"\x89PNG\r\n\x1a\n\x00\x00\x00") == "not-a-table"
    assert refusal_of("external_id,name\n".encode("utf-16")) == "not-a-table"
    assert refusal_of(b"external_id,name\nP1,\xff\xff\xff") == "encoding"


def test_an_empty_file_has_no_rows() -> None:
    assert rows_of(b"") == []


def test_broken_workbooks_are_refused() -> None:
    whole = xlsx([["external_id", "name"], ["P1", "a"]])
    assert refusal_of(whole[: len(whole) // 2]) == "broken-xlsx"
    assert refusal_of(b"PK\x03\x04" + b"nonsense" * 50) == "broken-xlsx"
    no_workbook = io.BytesIO()
    with zipfile.ZipFile(no_workbook, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    assert refusal_of(no_workbook.getvalue()) == "broken-xlsx"


@pytest.mark.parametrize("position", range(100, 4000, 377))
def test_a_workbook_with_a_flipped_byte_is_read_or_refused(position: int) -> None:
    data = bytearray(xlsx([["external_id", "name"], *[[f"P{n}", "张三"] for n in range(50)]]))
    data[position % len(data)] ^= 0xFF
    try:
        rows_of(bytes(data))
    except ImportRefused as error:
        assert error.details["reason"] in uploaded_tables.REFUSALS


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sharedStrings.xml", "w") as one:
        for _ in range(300):
            one.write(b" " * 1_048_576)
    assert len(bomb.getvalue()) < 1_048_576
    assert refusal_of(bomb.getvalue()) == "xlsx-too-big-inside"


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_tables, "MAX_ROWS", 2)
    assert refusal_of(b"external_id,name\nP1,a\nP2,b\nP3,c\n") == "too-many-rows"
    assert refusal_of(xlsx([["external_id", "name"], *[[f"P{n}", "a"] for n in range(3)]])) == "too-many-rows"
    monkeypatch.setattr(uploaded_tables, "MAX_FILE_BYTES", 10)
    assert refusal_of(b"external_id,name\nP1,a\n") == "too-large"
