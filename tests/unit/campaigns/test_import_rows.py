"""Rows of contacts as people, spreadsheets and attackers write them. Pure."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns.import_rows import REASONS, ContactRow, ImportContext, RowReader, read_header
from callcenter.campaigns.import_sql import copy_line
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.uploaded_tables import RawRow

CONTEXT = ImportContext(NumberPlan("CN", "0571"), ZoneInfo("Asia/Shanghai"))
COLUMNS = ("key", "name", "number", "email", "language", "zone", "not_before", "external_id", "appointment", "note")
CELLS = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=30) | st.sampled_from(
    ["13800000001", "2026-11-23", "zh", "Asia/Shanghai", "a@example.com", "\\N", "\\.", "{a,b}", '"', "\t", "\ud800"]
)


@given(st.lists(CELLS, min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_whatever_stands_there_is_one_line_for_copy_or_told(cells: list[str]) -> None:
    row = RowReader(read_header(COLUMNS), CONTEXT).read(RawRow(2, cells))
    if isinstance(row, ContactRow):
        line = copy_line(row)
        assert line.endswith("\n")
        assert line.count("\n") == 1
        assert line.count("\t") == 10
        line.encode()
        assert row.key
    else:
        assert {problem.reason for problem in row} <= REASONS.keys()
        assert len({(problem.line, problem.column) for problem in row}) == len(row)


def test_headers_as_hospitals_write_them() -> None:
    header = read_header(["\ufeff姓名", " 手机号 ", "Email", "患者编号", "when", "", ""])
    assert header == ["name", "number", "email", "external_id", "when"]


def test_the_key_is_the_first_thing_that_tells_them_apart() -> None:
    reader = RowReader(read_header(["key", "external_id", "number", "email"]), CONTEXT)
    rows = [
        reader.read(RawRow(line, cells))
        for line, cells in enumerate(
            [
                ["K1", "P1", "13800000001", ""],
                ["", "P1", "13800000001", ""],
                ["", "", "138 0000 0001", "a@example.com"],
                ["", "", "", "a@example.com"],
            ]
        )
    ]
    assert [row.key for row in rows if isinstance(row, ContactRow)] == ["K1", "P1", "+8613800000001", "a@example.com"]


def test_one_number_twice_is_one_number() -> None:
    row = RowReader(read_header(["number", "number2"]), CONTEXT).read(RawRow(2, ["13800000001", "+86 138 0000 0001"]))
    assert isinstance(row, ContactRow)
    assert row.numbers == ["+8613800000001"]
