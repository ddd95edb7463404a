"""Files of contacts in a real database: good rows in, bad rows told, the same again adds nobody."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import httpx
import pytest
from openpyxl import Workbook
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.campaigns import import_sql, importing
from callcenter.campaigns.audience_models import CampaignImport, CampaignImportProblem, ImportState
from callcenter.campaigns.errors import CampaignOver
from callcenter.campaigns.importing import cancel_import, import_contacts
from callcenter.campaigns.models import Campaign, CampaignContact, CampaignState
from callcenter.core.audit import SYSTEM
from callcenter.core.db import Database
from callcenter.core.uploaded_tables import ImportRefused
from callcenter.patients.models import Appointment
from tests.support.api import as_role
from tests.support.audiences import PLAN, given_campaign, given_patient, list_contacts, local

HEADER = "key,name,number,number2,email,language,when\n"
ZHANG = "A1,张三,138 0000 0001,0571-88880000,,,11月23日\n"
LI = "A2,Li,13800000002,,li@example.com,en,23 November\n"


@pytest.fixture
async def campaign_id(database: Database) -> AsyncIterator[UUID]:
    async with database.transaction() as session:
        campaign = await given_campaign(session, channels=["telephone", "email"])
        patient = await given_patient(session, "P1", name="王五", language="en", email="wang@example.com")
        other = await given_patient(session, "P2", numbers={})
        for external_id, of in (("A100", patient.id), ("A200", other.id)):
            session.add(
                Appointment(
                    external_id=external_id,
                    patient_id=of,
                    booked_at=local("2026-11-01"),
                    starts_at=local("2026-11-24T09:30"),
                    status="booked",
                )
            )
    yield campaign.id


async def load(
    database: Database, campaign_id: UUID, data: str | bytes
) -> tuple[CampaignImport, list[tuple[int, str, str]]]:
    raw = data.encode() if isinstance(data, str) else data
    import_id = await import_contacts(database, SYSTEM, campaign_id, io.BytesIO(raw), plan=PLAN)
    async with database.transaction() as session:
        one = await session.get_one(CampaignImport, import_id)
        query = select(CampaignImportProblem).where(CampaignImportProblem.import_id == import_id)
        reasons = sorted((bad.line, bad.column, bad.reason) for bad in await session.scalars(query))
    assert one.added + one.existing + one.rejected == one.rows
    return one, reasons


async def contacts_of(database: Database, campaign_id: UUID) -> list[CampaignContact]:
    async with database.transaction() as session:
        return await list_contacts(session, campaign_id)


async def test_a_file_is_put_in_and_the_same_again_adds_nobody(database: Database, campaign_id: UUID) -> None:
    one, problems = await load(database, campaign_id, HEADER + ZHANG + LI)
    assert (one.state, one.added, one.existing, problems) == ("finished", 2, 0, [])
    zhang, li = await contacts_of(database, campaign_id)
    assert (zhang.key, zhang.name, zhang.language, zhang.numbers) == (
        "A1",
        "张三",
        "zh",
        ["+8613800000001", "+8657188880000"],
    )
    assert (zhang.person, zhang.next_channel, zhang.state, zhang.status) == (
        "+8613800000001",
        "telephone",
        "new",
        "registered",
    )
    assert zhang.variables == {"when": "11月23日"}
    assert (li.language, li.email) == ("en", "li@example.com")
    again, problems = await load(database, campaign_id, HEADER + ZHANG + LI)
    assert (again.added, again.existing, problems) == (0, 2, [])
    assert [one.id for one in await contacts_of(database, campaign_id)] == [zhang.id, li.id]


async def test_a_workbook_says_the_same(database: Database, campaign_id: UUID) -> None:
    workbook = Workbook()
    for row in (("姓名", "手机号", "not_before"), ("张三", 13800000001, local("2027-01-01").replace(tzinfo=None))):
        workbook.worksheets[0].append(row)
    target = io.BytesIO()
    workbook.save(target)
    one, problems = await load(database, campaign_id, target.getvalue())
    assert (one.added, problems) == (1, [])
    (contact,) = await contacts_of(database, campaign_id)
    assert (contact.key, contact.name, contact.numbers) == ("+8613800000001", "张三", ["+8613800000001"])
    assert contact.next_at == local("2026-12-31T16:00")


async def test_a_patient_is_linked_and_fills_in_what_the_file_lacks(database: Database, campaign_id: UUID) -> None:
    data = "external_id,name,number,appointment\nP1,,,A100\nP1x,,,\nP2,,,\nP1,别名,13800000009,A200\n"
    one, problems = await load(database, campaign_id, data)
    assert (one.added, one.rejected) == (1, 3)
    assert problems == [
        (3, "external_id", "unknown-patient"),
        (4, "", "unreachable"),
        (5, "appointment", "appointment-of-another-patient"),
    ]
    (contact,) = await contacts_of(database, campaign_id)
    assert (contact.key, contact.name, contact.language, contact.email) == ("P1", "王五", "en", "wang@example.com")
    assert contact.numbers == ["+8613900000001"]
    assert contact.person == str(contact.patient_id)
    assert contact.appointment_id is not None


async def test_an_appointment_alone_names_its_patient(database: Database, campaign_id: UUID) -> None:
    one, problems = await load(database, campaign_id, "appointment\nA100\nA404\n")
    assert (one.added, problems) == (1, [(3, "appointment", "unknown-appointment")])
    (contact,) = await contacts_of(database, campaign_id)
    assert (contact.key, contact.name) == ("A100", "王五")


HOSTILE = {
    "an ampersand": '"13800000001&PJSIP/8000"',
    "an at": "13800000001@evil",
    "a variable": "${SHELL(id)}",
    "a line end": '"13800000001\r\nAction: Originate"',
    "a formula": "=13800000001",
    "a service code": "*99#",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_number_that_is_none_is_refused(database: Database, campaign_id: UUID, name: str) -> None:
    one, problems = await load(database, campaign_id, f"key,number\nA1,{HOSTILE[name]}\nA2,13800000002\n")
    assert (one.added, one.rejected) == (1, 1)
    assert {reason for _, _, reason in problems} <= {"unreadable-number", "bad-text"}


@pytest.mark.parametrize(
    "text",
    ["=HYPERLINK(1)", "${SHELL(id)}", "<script>alert(1)</script>", "'; DROP TABLE patients; --", "\\N", "a\\tb", "{x}"],
)
async def test_a_text_is_kept_as_it_stands(database: Database, campaign_id: UUID, text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    one, problems = await load(database, campaign_id, f"key,name,number,note\n{quoted},{quoted},13800000001,{quoted}\n")
    assert (one.added, problems) == (1, [])
    (contact,) = await contacts_of(database, campaign_id)
    assert (contact.key, contact.name, contact.variables) == (text, text, {"note": text})


async def test_bad_cells_are_all_told(database: Database, campaign_id: UUID) -> None:
    data = (
        "key,name,number,email,language,zone,not_before,note\n"
        'A1,"a\nb",12,x,fr,Mars/Olympus,soon,"c\x07"\n'
        f"A2,{'n' * 101},13800000001,,,,,{'v' * 201}\n"
        "A3,x,13800000001\n"
        ",,,,,,,y\n"
    )
    one, problems = await load(database, campaign_id, data)
    assert (one.added, one.rejected) == (0, 4)
    assert problems == [
        (2, "email", "bad-email"),
        (2, "language", "bad-language"),
        (2, "name", "bad-text"),
        (2, "not_before", "bad-time"),
        (2, "note", "bad-text"),
        (2, "number", "unreadable-number"),
        (2, "zone", "unknown-zone"),
        (4, "name", "cell-too-long"),
        (4, "note", "cell-too-long"),
        (5, "", "wrong-cell-count"),
        (6, "", "unreachable"),
    ]


async def test_times_are_meant_in_the_zone_of_the_row(database: Database, campaign_id: UUID) -> None:
    data = (
        "key,number,zone,not_before\n"
        "A1,13800000001,,2030-01-01 09:00\n"
        "A2,13800000002,Asia/Urumqi,2030-01-01 09:00\n"
        "A3,13800000003,,2030-01-01T09:00+00:00\n"
        "A4,13800000004,,2020/01/01\n"
    )
    one, problems = await load(database, campaign_id, data)
    assert (one.added, problems) == (4, [])
    first, second, third, past = [contact.next_at for contact in await contacts_of(database, campaign_id)]
    assert (first, second, third) == (
        local("2030-01-01T09:00"),
        local("2030-01-01T11:00"),
        local("2030-01-01T17:00"),
    )
    assert past is not None
    assert past > local("2026-01-01")  # at once


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"name,note\nx,y\n", "missing-column"),
        (b"number,Ver Bad\n1,2\n", "bad-column"),
        (b"number,number\n1,2\n", "repeated-column"),
        (b"number,number2,number3,number4,number5,number6\n", "too-many-columns"),
        (b"number\x00\n", "not-a-table"),
        (b"\xff\xfe\x00n", "not-a-table"),
        (b"number\n\x81\x20\xff\n", "encoding"),
    ],
)
async def test_a_file_that_is_no_list_is_refused(
    database: Database, campaign_id: UUID, data: bytes, reason: str
) -> None:
    with pytest.raises(ImportRefused) as caught:
        await load(database, campaign_id, data)
    assert caught.value.details["reason"] == reason
    assert await contacts_of(database, campaign_id) == []


async def test_chinese_spreadsheets_encoding(database: Database, campaign_id: UUID) -> None:
    one, _ = await load(database, campaign_id, (HEADER + ZHANG).encode("gb18030"))
    assert one.added == 1
    assert (await contacts_of(database, campaign_id))[0].name == "张三"


# -- batches


def many(count: int, first: int = 0) -> str:
    return "key,number\n" + "".join(f"K{n},139{n:08d}\n" for n in range(first, first + count))


async def test_batches_do_not_show_and_the_key_counts_over_all(
    database: Database, campaign_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 10)
    one, _ = await load(database, campaign_id, many(25) + "K1,13800000001\nK24,13800000001\n")
    assert (one.rows, one.rows_total, one.added, one.existing) == (27, 27, 25, 2)


async def test_two_files_at_once_add_each_once(
    database: Database, campaign_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 50)
    header, *rows = many(300).splitlines(keepends=True)
    files = (header + "".join(rows), header + "".join(reversed(rows)))
    done = await asyncio.gather(*(load(database, campaign_id, file) for file in files))
    assert sum(one.added for one, _ in done) == 300
    assert len(await contacts_of(database, campaign_id)) == 300


async def test_whoever_stops_it_keeps_what_is_in(
    database: Database, campaign_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 10)
    put = import_sql.put

    async def stop_after_the_first(session: object, of: UUID, at: object) -> int:
        added = await put(session, of, at)  # type: ignore[arg-type]
        asyncio.get_running_loop().create_task(stop())
        return added

    async def stop() -> None:
        async with database.transaction() as other:
            running = (await other.scalars(select(CampaignImport))).one()
            await cancel_import(other, SYSTEM, campaign_id, running.id)

    monkeypatch.setattr(import_sql, "put", stop_after_the_first)
    one, _ = await load(database, campaign_id, many(200))
    assert one.state == ImportState.CANCELLED
    assert 10 <= one.rows < 200
    assert len(await contacts_of(database, campaign_id)) == one.added


async def test_a_campaign_that_ends_meanwhile_takes_no_more(
    database: Database, campaign_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 10)
    put = import_sql.put

    async def end_it(session: object, of: UUID, at: object) -> int:
        async with database.transaction() as other:
            (await other.get_one(Campaign, of)).state = CampaignState.CANCELLED
        return await put(session, of, at)  # type: ignore[arg-type]

    monkeypatch.setattr(import_sql, "put", end_it)
    with pytest.raises(CampaignOver):
        await load(database, campaign_id, many(30))
    async with database.transaction() as session:
        one = (await session.scalars(select(CampaignImport))).one()
    assert (one.state, one.reason, one.added) == ("failed", "campaign-over", 10)


# -- over HTTP


async def send(client: httpx.AsyncClient, campaign_id: UUID, data: bytes, headers: dict[str, str]) -> httpx.Response:
    url = f"/api/v1/campaigns/{campaign_id}/contacts/import"
    return await client.post(url, files={"file": ("people.csv", data)}, headers=headers)


async def test_the_api_tells_all_of_it(client: httpx.AsyncClient, database: Database, campaign_id: UUID) -> None:
    headers = await as_role(database, Role.SCHEDULER)
    data = (HEADER + ZHANG + "=1+1,x,12,,,,\n").encode()
    answer = await send(client, campaign_id, data, headers)
    body = answer.json()
    assert (answer.status_code, body["state"], body["added"], body["rejected"]) == (200, "finished", 1, 1)
    assert [(one["line"], one["column"], one["reason"]) for one in body["problems"]] == [
        (3, "number", "unreadable-number")
    ]
    assert body["problems"][0]["text_zh"]
    url = f"/api/v1/campaigns/{campaign_id}/imports"
    (listed,) = (await client.get(url, headers=headers)).json()
    assert listed["id"] == body["id"]
    assert (await client.get(f"{url}/{body['id']}", headers=headers)).json() == body
    report = await client.get(f"{url}/{body['id']}/rejects.csv", headers=headers)
    assert report.headers["content-type"] == "text/csv; charset=utf-8"
    rows: Sequence[list[str]] = list(csv.reader(io.StringIO(report.content.decode("utf-8-sig"))))
    assert rows[1][:4] == ["3", "number", "'=1+1", "unreadable-number"]
    cancelled = await client.post(f"{url}/{body['id']}/cancel", headers=headers)
    assert cancelled.json()["state"] == "finished"


async def test_large_files_may_be_sent_there_and_nowhere_else(
    client: httpx.AsyncClient, database: Database, campaign_id: UUID
) -> None:
    headers = await as_role(database, Role.SCHEDULER)
    data = many(60_000).encode()
    assert len(data) > 1_048_576
    answer = await send(client, campaign_id, data, headers)
    assert (answer.status_code, answer.json()["added"]) == (200, 60_000)
    for path in (f"/api/v1/campaigns/{campaign_id}/contacts", "/api/v1/campaigns/a/b/contacts/import"):
        answer = await client.post(path, content=b"x" * 1_100_000, headers=headers)
        assert answer.status_code in {404, 413}, path


async def test_who_may_not_and_what_is_not_there(
    client: httpx.AsyncClient, database: Database, campaign_id: UUID
) -> None:
    headers = await as_role(database, Role.AGENT)
    assert (await send(client, campaign_id, b"number\n", headers)).status_code == 403
    headers = await as_role(database, Role.SCHEDULER)
    nowhere = UUID(int=1)
    assert (await send(client, nowhere, b"number\n", headers)).json()["code"] == "campaign-not-found"
    url = f"/api/v1/campaigns/{campaign_id}/imports/{nowhere}"
    assert (await client.get(url, headers=headers)).json()["code"] == "campaign-import-not-found"
