"""Files loaded into a real database: good rows in, bad rows told, repeating changes nothing."""

import asyncio
import csv
import io
from collections.abc import Sequence

import httpx
import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from callcenter.accounts.models import Role
from callcenter.core.audit import SYSTEM, AuditEntry
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.security import keyed_code_hash
from callcenter.core.uploaded_tables import ImportRefused
from callcenter.directory import service as directory
from callcenter.patients import importing, service
from callcenter.patients.importing import ImportReport, import_patients, write_problems
from callcenter.patients.models import Card, Patient, PatientNumber
from tests.support.api import as_role
from tests.support.check_codes import owner_of_code

KEY = "key-of-the-test"
PLAN = NumberPlan("CN", "0571")
HEADER = "external_id,name,sex,birth_date,numbers,card_number,check_code,vip_grade,responsible_doctor,deceased\n"
ZHANG = "P1,张三,男,1958-03-02,13800000001;family:057188880000,C10001,482913,gold,D1,no\n"
LI = "P2,李四,女,1960-05-06,13800000002,,,,,\n"


@pytest.fixture(autouse=True)
async def _hospital(database: Database) -> None:
    async with database.transaction() as session:
        grade = {"label_zh": "金卡", "label_en": "Gold", "head_start_seconds": 600, "benefits": []}
        await service.put_vip_grade(session, SYSTEM, "gold", grade)
        await directory.put_doctor(
            session, SYSTEM, "D1", name_zh="王", name_en="", title_zh="", title_en="", department_code=None
        )


async def load(database: Database, data: str | bytes) -> ImportReport:
    raw = data.encode() if isinstance(data, str) else data
    report = await import_patients(database, io.BytesIO(raw), number_plan=PLAN, check_code_key=KEY)
    assert report.created + report.updated + report.unchanged + report.rejected == report.rows
    return report


def figures(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.rejected


def reasons(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.column, problem.reason) for problem in report.problems]


async def get_patient(database: Database, external_id: str) -> Patient:
    async with database.transaction() as session:
        return (await session.scalars(select(Patient).where(Patient.external_id == external_id))).one()


async def test_a_file_is_loaded_and_repeating_it_changes_nothing(database: Database) -> None:
    assert figures(await load(database, HEADER + ZHANG + LI)) == (2, 0, 0, 0)
    zhang = await get_patient(database, "P1")
    assert (zhang.name, zhang.sex, zhang.vip_grade, str(zhang.birth_date)) == ("张三", "male", "gold", "1958-03-02")
    async with database.transaction() as session:
        numbers = {(one.e164, one.relation) for one in await session.scalars(select(PatientNumber))}
        card = (await session.scalars(select(Card))).one()
        audited = await session.scalar(select(func.count()).select_from(AuditEntry))
        assert await owner_of_code(session, e164="+8613800000001", code="482913", key=KEY)
    assert numbers == {("+8613800000001", "self"), ("+8657188880000", "family"), ("+8613800000002", "self")}
    assert card.check_code_hash == keyed_code_hash("482913", owner="C10001", key=KEY)
    assert figures(await load(database, HEADER + ZHANG + LI)) == (0, 0, 2, 0)
    again = await get_patient(database, "P1")
    assert (again.id, again.updated_at) == (zhang.id, zhang.updated_at)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == audited


@pytest.mark.parametrize(
    "changed",
    [
        ZHANG.replace("张三", "张三丰"),
        ZHANG.replace("1958", "1959"),
        ZHANG.replace("gold", ""),
        ZHANG.replace("D1", ""),
        ZHANG.replace(",no", ",yes"),
        ZHANG.replace("482913", "482914"),
        ZHANG.replace("13800000001", "13800000009"),
        ZHANG.replace("family", "carer"),
        ZHANG.replace("C10001", "C10009"),
    ],
)
async def test_any_difference_counts_as_one_updated_row(database: Database, changed: str) -> None:
    await load(database, HEADER + ZHANG + LI)
    assert figures(await load(database, HEADER + changed + LI)) == (0, 1, 1, 0)
    assert figures(await load(database, HEADER + changed + LI)) == (0, 0, 2, 0)


async def test_each_new_or_changed_patient_is_audited(database: Database) -> None:
    await load(database, HEADER + ZHANG + LI)
    await load(database, HEADER + ZHANG.replace("张三", "张三丰") + LI)
    zhang = await get_patient(database, "P1")
    async with database.transaction() as session:
        entries = select(AuditEntry).where(AuditEntry.patient_id == zhang.id).order_by(AuditEntry.id)
        told = [(entry.action, entry.details["written"]) for entry in await session.scalars(entries)]
    assert told == [("patients.import", "created"), ("patients.import", "changed")]


async def test_a_column_that_is_not_there_is_left_alone(database: Database) -> None:
    await load(database, HEADER + ZHANG)
    assert figures(await load(database, "external_id,name\nP1,张三丰\n")) == (0, 1, 0, 0)
    zhang = await get_patient(database, "P1")
    assert (zhang.name, zhang.sex, zhang.vip_grade) == ("张三丰", "male", "gold")


async def test_an_empty_cell_clears_but_never_takes_a_number_or_a_code(database: Database) -> None:
    await load(database, HEADER + ZHANG)
    assert figures(await load(database, HEADER + "P1,张三,,,,C10001,,,,\n")) == (0, 1, 0, 0)
    zhang = await get_patient(database, "P1")
    assert (zhang.sex, zhang.birth_date, zhang.vip_grade, zhang.responsible_doctor_id) == ("unknown", None, None, None)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(PatientNumber)) == 2
        assert await owner_of_code(session, e164="+8613800000001", code="482913", key=KEY)


async def test_a_card_that_staff_closed_stays_closed(database: Database) -> None:
    await load(database, HEADER + ZHANG)
    async with database.transaction() as session:
        (await session.scalars(select(Card))).one().active = False
    await load(database, HEADER + ZHANG.replace("482913", "482914"))
    async with database.transaction() as session:
        assert (await session.scalars(select(Card.active))).one() is False


async def test_bad_rows_are_told_and_good_rows_loaded(database: Database) -> None:
    await load(database, HEADER + ZHANG)
    bad = (
        "P2,李四,,1960-13-01,,,,,,\n"  # 2
        "P3,王五,,,12,,,,,\n"  # 3
        "P4,赵六,,,,C10001,777777,,,\n"  # 4: Zhang's card
        "P5,孙七,,,,C10005,12345,,,\n"  # 5
        "P6,周八,,,,C10006,,,,\n"  # 6: a new card without a code
        "P7,吴九,,,,,,platinum,D9,\n"  # 7
        "P8,郑十,,,,,,,,\n"  # 8: good
        "P8,郑十,,,,,,,,\n"  # 9
        "P9,冯,一\n"  # 10
        "\n"
        ",陈二,,,,,,,,\n"  # 12
    )
    report = await load(database, HEADER + bad)
    assert figures(report) == (1, 0, 0, 9)
    assert reasons(report) == [
        (2, "birth_date", "bad-date"),
        (3, "numbers", "unreadable-number"),
        (4, "card_number", "card-of-another-patient"),
        (5, "check_code", "check-code-too-short"),
        (6, "check_code", "check-code-missing"),
        (7, "vip_grade", "unknown-vip-grade"),
        (7, "responsible_doctor", "unknown-doctor"),
        (9, "external_id", "duplicate-external-id"),
        (10, "", "wrong-cell-count"),
        (12, "external_id", "missing"),
    ]


async def test_the_report_of_bad_rows_is_safe_to_open_and_holds_no_codes(database: Database) -> None:
    rows = "=cmd|' /C calc'!A0,x,,,,,,,,\nP5,孙七,,,,C10005,12345,,,\n-2,x,y,,,,,,,\nP6,周,八,,,,731731,,,\n"
    report = await load(database, HEADER + rows)
    target = io.StringIO()
    write_problems(report, target)
    lines = list(csv.reader(io.StringIO(target.getvalue())))
    assert lines[0] == ["line", "column", "external_id", "reason", "reason_zh", "reason_en"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
    assert "'=cmd|' /C calc'!A0" in target.getvalue()
    assert "12345" not in target.getvalue()
    assert "731731" not in target.getvalue()
    assert "日期" not in lines[1][4]
    assert "字符" in lines[1][4]


async def test_workbooks_are_loaded_by_the_same_rules(database: Database) -> None:
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    rows: Sequence[list[object]] = [
        ["external_id", "name", "numbers", "card_number", "check_code"],
        [1001, "张三", 13800000001, "C10001", "048291"],
        [1002, "李四", None, "C10002", 48291],
    ]
    for row in rows:
        sheet.append(row)
    target = io.BytesIO()
    workbook.save(target)
    report = await load(database, target.getvalue())
    assert figures(report) == (1, 0, 0, 1)
    assert reasons(report) == [(3, "check_code", "check-code-too-short")]
    assert figures(await load(database, target.getvalue())) == (0, 0, 1, 1)


async def test_a_chinese_spreadsheet_s_encoding_is_understood(database: Database) -> None:
    assert figures(await load(database, (HEADER + ZHANG + LI).encode("gb18030"))) == (2, 0, 0, 0)
    assert (await get_patient(database, "P2")).name == "李四"


async def test_progress_is_told_and_batches_do_not_show(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 10)
    told: list[tuple[int, int | None]] = []
    data = "external_id,name,numbers\n" + "".join(f"P{n},患者{n},139{n:08d}\n" for n in range(25))
    report = await import_patients(
        database,
        io.BytesIO(data.encode()),
        number_plan=PLAN,
        check_code_key=KEY,
        progress=lambda done, total: told.append((done, total)),
    )
    assert figures(report) == (25, 0, 0, 0)
    assert told == [(10, 25), (20, 25), (25, 25)]
    assert figures(await load(database, data)) == (0, 0, 25, 0)


async def test_one_card_twice_in_a_file_over_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    data = "external_id,name,card_number,check_code\nP1,a,C10001,482913\nP2,b,C10001,482913\n"
    assert reasons(await load(database, data)) == [(3, "card_number", "card-of-another-patient")]


@pytest.mark.parametrize("name", ["\\N", "\\.", "a\\tb", "{a,b}", "O'Neill 𠮷"])
async def test_a_name_that_copy_might_misread_is_loaded_as_it_stands(database: Database, name: str) -> None:
    data = f'external_id,name,email\nP1,"{name}",back\\slash@example.com\n'
    assert figures(await load(database, data)) == (1, 0, 0, 0)
    patient = await get_patient(database, "P1")
    assert (patient.name, patient.email) == (name, "back\\slash@example.com")
    assert figures(await load(database, data)) == (0, 0, 1, 0)


async def test_two_imports_of_the_same_patients_at_once_both_end_well(database: Database) -> None:
    rows = [f"P{n},患者{n},139{n:08d},C{n:05d},48291{n % 10}\n" for n in range(500)]
    header = "external_id,name,numbers,card_number,check_code\n"
    files = (header + "".join(rows), header + "".join(reversed(rows)).replace("患者", "病人"))
    reports = await asyncio.gather(*(load(database, file) for file in files))
    assert sum(report.created for report in reports) == 500
    assert sum(report.rejected for report in reports) == 0
    assert figures(await load(database, files[0]))[0] == 0


async def test_a_new_patient_s_id_tells_its_time_as_all_ids_do(database: Database) -> None:
    before = new_id()
    await load(database, HEADER + ZHANG)
    zhang = await get_patient(database, "P1")
    assert (zhang.id.version, zhang.id.variant) == (7, before.variant)
    assert before.int >> 80 <= zhang.id.int >> 80 <= new_id().int >> 80


async def test_a_file_that_is_no_table_loads_nothing(database: Database) -> None:
    for data, reason in (("", "empty"), ("a,b\n1,2\n", "missing-column"), ("\x00\x01", "not-a-table")):
        with pytest.raises(ImportRefused) as caught:
            await load(database, data)
        assert caught.value.details["reason"] == reason


async def upload(client: httpx.AsyncClient, headers: dict[str, str], data: bytes) -> httpx.Response:
    return await client.post("/api/v1/patients/import", headers=headers, files={"file": ("p.csv", data)})


async def test_a_file_is_uploaded(client: httpx.AsyncClient, database: Database) -> None:
    headers = await as_role(database, Role.INTEGRATION)
    answer = await upload(client, headers, (HEADER + ZHANG + "P2,,,,,,,,,\n").encode())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["created"], told["rejected"], told["problems_total"]) == (1, 1, 1)
    assert told["problems"] == [
        {"line": 3, "column": "name", "reason": "missing", "text_zh": "必填项为空。", "text_en": "Must not be empty."}
    ]
    zhang = await get_patient(database, "P1")
    async with database.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.patient_id == zhang.id))).one()
    assert entry.actor_kind == "user"


async def test_an_upload_may_be_larger_than_other_bodies_but_not_too_large(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = await as_role(database, Role.INTEGRATION)
    large = (HEADER + "".join(f"P{n},{'患' * 90},,,,,,,,\n" for n in range(5_000))).encode()
    assert len(large) > 1_048_576
    assert (await upload(client, headers, large)).json()["created"] == 5_000
    refused = await upload(client, headers, b"x" * (65 * 1024 * 1024))
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")


async def test_a_refused_upload_says_why_in_both_languages(client: httpx.AsyncClient, database: Database) -> None:
    headers = await as_role(database, Role.INTEGRATION)
    answer = await upload(client, headers, b"PK\x03\x04nonsense")
    assert (answer.status_code, answer.json()["code"]) == (422, "import-refused")
    assert answer.json()["details"]["reason"] == "broken-xlsx"
    assert answer.json()["details"]["text_zh"]
