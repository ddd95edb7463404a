"""One row of a patient file: every reason for which it is refused, and what a good one says."""

from datetime import date

import pytest

from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.security import keyed_code_hash
from callcenter.core.uploaded_tables import ImportRefused, RawRow, RowProblem
from callcenter.patients.import_rows import REASONS, ImportContext, PatientRow, RowReader, read_header

KEY = "key-of-the-test"
DOCTOR = new_id()
GOOD = {"external_id": "P1", "name": "张三"}


def context() -> ImportContext:
    return ImportContext(NumberPlan("CN", "0571"), KEY, frozenset({"gold"}), {"D1": DOCTOR})


def parsed(cells: dict[str, str], within: ImportContext | None = None) -> PatientRow | list[RowProblem]:
    return RowReader(list(cells), within or context()).read(RawRow(2, list(cells.values())))


def good(cells: dict[str, str]) -> PatientRow:
    row = parsed(cells)
    assert isinstance(row, PatientRow), row
    return row


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("external_id", "", "missing"),
        ("external_id", "P 1", "bad-text"),
        ("external_id", "=P1", "bad-text"),
        ("external_id", "P" * 65, "bad-text"),
        ("name", "  ", "missing"),
        ("name", "张" * 101, "bad-text"),
        ("name", "张\x00三", "bad-text"),
        ("name", "张\n三", "bad-text"),
        ("name", "张" * 1001, "cell-too-long"),
        ("sex", "x", "bad-sex"),
        ("birth_date", "02/03/1958", "bad-date"),
        ("birth_date", "1958-02-30", "bad-date"),
        ("birth_date", "2958-02-03", "bad-date"),
        ("birth_date", "1058-02-03", "bad-date"),
        ("language", "fr", "bad-language"),
        ("email", "zhang", "bad-email"),
        ("numbers", "13800000001;12", "unreadable-number"),
        ("numbers", "138%5C", "unreadable-number"),
        ("numbers", "neighbour:13800000001", "bad-relation"),
        ("card_number", "C1", "bad-card-number"),
        ("check_code", "482913", None),
        ("vip_grade", "platinum", "unknown-vip-grade"),
        ("responsible_doctor", "D9", "unknown-doctor"),
        ("deceased", "perhaps", "bad-yes-no"),
    ],
)
def test_each_bad_cell_has_its_own_reason(column: str, text: str, reason: str | None) -> None:
    problems = parsed(GOOD | {column: text})
    assert isinstance(problems, list)
    expected = (column, reason) if reason else ("card_number", "card-number-missing")
    assert [(problem.column, problem.reason) for problem in problems] == [expected]
    assert problems[0].line == 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("12345", "check-code-too-short"),
        ("abcdef", "bad-check-code"),
        ("1234567890123", "bad-check-code"),
        ("１２３４５６", "bad-check-code"),
    ],
)
def test_check_codes(code: str, reason: str) -> None:
    problems = parsed(GOOD | {"card_number": "C10001", "check_code": code})
    assert isinstance(problems, list)
    assert [(problem.column, problem.reason) for problem in problems] == [("check_code", reason)]
    assert code not in repr(problems)


def test_all_problems_of_a_row_are_told_at_once() -> None:
    problems = parsed(GOOD | {"sex": "x", "birth_date": "x", "deceased": "x"})
    assert isinstance(problems, list)
    assert [problem.reason for problem in problems] == ["bad-sex", "bad-date", "bad-yes-no"]


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert all(chinese and english for chinese, english in REASONS.values())


def test_a_whole_row() -> None:
    row = good(
        {
            "external_id": "P1",
            "name": " 张三 ",
            "sex": "女",
            "birth_date": "1958年3月2日",
            "language": "zh-CN",
            "email": "zhang@example.com",
            "numbers": "138 0000 0001；family：0571-88880000; 013800000001",
            "card_number": "C10001",
            "check_code": "482913",
            "vip_grade": "gold",
            "responsible_doctor": "D1",
            "deceased": "否",
        }
    )
    assert row.values == {
        "name": "张三",
        "sex": "female",
        "birth_date": date(1958, 3, 2),
        "language": "zh",
        "email": "zhang@example.com",
        "vip_grade": "gold",
        "responsible_doctor_id": DOCTOR,
        "deceased": False,
    }
    assert row.numbers == [("+8613800000001", "self"), ("+8657188880000", "family")]
    assert row.check_code_hash == keyed_code_hash("482913", owner="C10001", key=KEY)


@pytest.mark.parametrize("text", ["1958-03-02", "1958-3-2", "1958/3/2", "19580302", "1958年03月02日"])
def test_dates_with_the_year_first(text: str) -> None:
    assert good(GOOD | {"birth_date": text}).values["birth_date"] == date(1958, 3, 2)


def test_an_id_or_card_may_stand_once_in_a_file() -> None:
    file = context()
    first = {"external_id": "P1", "name": "a", "card_number": "C10001", "check_code": "482913"}
    assert isinstance(parsed(first, file), PatientRow)
    again = parsed({**first, "card_number": "C10002"}, file)
    card = parsed({**first, "external_id": "P2"}, file)
    assert [problem.reason for problem in (again if isinstance(again, list) else [])] == ["duplicate-external-id"]
    assert [problem.reason for problem in (card if isinstance(card, list) else [])] == ["card-of-another-patient"]


def test_a_refused_row_does_not_use_up_its_id() -> None:
    file = context()
    assert isinstance(parsed(GOOD | {"sex": "x"}, file), list)
    assert isinstance(parsed(GOOD, file), PatientRow)


@pytest.mark.parametrize("cells", [["P1"], ["P1", "张三", "482913"]])
def test_a_row_of_another_width_is_refused_without_telling_what_it_holds(cells: list[str]) -> None:
    reader = RowReader(["external_id", "name"], context())
    assert reader.read(RawRow(7, cells)) == [RowProblem(7, "", "wrong-cell-count", "")]


def test_empty_cells_behind_the_last_column_do_no_harm() -> None:
    reader = RowReader(["external_id", "name"], context())
    assert isinstance(reader.read(RawRow(7, ["P1", "张三", "", ""])), PatientRow)


def test_the_header_in_any_order_and_case() -> None:
    assert read_header(["\ufeffName", " EXTERNAL_ID ", "sex", ""]) == ["name", "external_id", "sex"]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (["name"], "missing-column"),
        (["P1", "张三"], "missing-column"),
        (["external_id", "name", "phone"], "unknown-column"),
        (["external_id", "name", "name"], "repeated-column"),
    ],
)
def test_headers_that_are_refused(header: list[str], reason: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        read_header(header)
    assert caught.value.details["reason"] == reason
    assert "phone" not in str(caught.value.details)
