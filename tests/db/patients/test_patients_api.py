"""Patients, numbers, cards, grades and records over HTTP: what is kept, shown, hidden and audited."""

from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from callcenter.patients.models import Card, PatientNumber
from tests.support.api import as_role

API = "/api/v1"
ZHANG = {"name": "张三", "sex": "male", "birth_date": "1958-03-02", "email": "zhang@example.com"}


@pytest.fixture
async def admin(database: Database) -> dict[str, str]:
    return await as_role(database, Role.ADMIN)


async def put_patient(
    client: httpx.AsyncClient, headers: dict[str, str], external_id: str = "P1", **body: object
) -> str:
    answer = await client.put(
        f"{API}/patients/by-external-id/{external_id}", headers=headers, json={"name": "张三"} | body
    )
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["id"])


async def search(client: httpx.AsyncClient, headers: dict[str, str], **body: object) -> httpx.Response:
    return await client.post(f"{API}/patients/search", headers=headers, json=body)


async def names_found(client: httpx.AsyncClient, headers: dict[str, str], **body: object) -> list[str]:
    return [one["name"] for one in (await search(client, headers, **body)).json()["items"]]


async def audited(database: Database, patient_id: str) -> list[str]:
    async with database.transaction() as session:
        entries = select(AuditEntry.action).where(AuditEntry.patient_id == UUID(patient_id)).order_by(AuditEntry.id)
        return list(await session.scalars(entries))


async def test_putting_a_patient_twice_changes_nothing(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    address = f"{API}/patients/by-external-id/P1"
    first = await client.put(address, headers=admin, json=ZHANG)
    second = await client.put(address, headers=admin, json=ZHANG)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["name"] == "张三"
    changed = await client.put(address, headers=admin, json=ZHANG | {"deceased": True, "email": None})
    assert (changed.json()["deceased"], changed.json()["email"]) == (True, None)
    assert changed.json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"vip_grade": "gold"}, "unknown-vip-grade"),
        ({"responsible_doctor": "D1"}, "unknown-doctor"),
        ({"name": ""}, "validation-failed"),
        ({"name": "张\u0000三"}, "validation-failed"),
        ({"birth_date": "yesterday"}, "validation-failed"),
        ({"sex": "x"}, "validation-failed"),
        ({"shoe_size": 43}, "validation-failed"),
    ],
)
async def test_bad_patients_are_refused(
    client: httpx.AsyncClient, admin: dict[str, str], body: dict[str, object], code: str
) -> None:
    answer = await client.put(f"{API}/patients/by-external-id/P1", headers=admin, json=ZHANG | body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_numbers_are_added_found_in_any_form_and_removed(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    patient_id = await put_patient(client, admin)
    address = f"{API}/patients/{patient_id}/numbers"
    for form in ("138 0000 0001", "+8613800000001"):
        added = await client.post(address, headers=admin, json={"number": form, "relation": "family"})
        assert added.json() == {"e164": "+8613800000001", "relation": "family"}
    assert await names_found(client, admin, number="013800000001") == ["张三"]
    assert await names_found(client, admin, number="13800000002") == []
    assert (await search(client, admin, number="138%26")).json()["code"] == "unreadable-number"
    removed = [await client.post(f"{address}/remove", headers=admin, json={"number": "13800000001"}) for _ in range(2)]
    assert [one.status_code for one in removed] == [204, 404]
    assert await names_found(client, admin, number="13800000001") == []


async def test_search_by_id_name_and_card(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    patient_id = await put_patient(client, admin, "P1", name="张三")
    await put_patient(client, admin, "P2", name="张三丰")
    await put_patient(client, admin, "P3", name="100%_")
    card = {"number": "C10002345", "check_code": "482913"}
    await client.put(f"{API}/patients/{patient_id}/cards", headers=admin, json=card)
    assert await names_found(client, admin, external_id="P2") == ["张三丰"]
    assert await names_found(client, admin, name_prefix="张三") == ["张三", "张三丰"]
    assert await names_found(client, admin, name_prefix="100%") == ["100%_"]
    assert await names_found(client, admin, name_prefix="%") == []
    assert await names_found(client, admin, card_number="C10002345") == ["张三"]
    assert await names_found(client, admin, card_number="C10002345", name_prefix="李") == []
    assert await names_found(client, admin) == ["张三", "张三丰", "100%_"]


async def test_a_search_goes_on_page_by_page(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    for n in range(5):
        await put_patient(client, admin, f"P{n}", name=f"患者{n}")
    found, cursor = [], None
    while True:
        page = (await search(client, admin, limit=2, cursor=cursor)).json()
        found += [one["external_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [f"P{n}" for n in range(5)]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "WyJ4Il0"])
async def test_a_made_up_cursor_is_refused(client: httpx.AsyncClient, admin: dict[str, str], cursor: str) -> None:
    assert (await search(client, admin, cursor=cursor)).json()["code"] == "invalid-cursor"


async def test_a_check_code_goes_in_and_never_out(
    client: httpx.AsyncClient, admin: dict[str, str], database: Database
) -> None:
    patient_id = await put_patient(client, admin)
    address = f"{API}/patients/{patient_id}/cards"
    put = await client.put(address, headers=admin, json={"number": "C10002345", "check_code": "482913"})
    assert put.json() == {"number_masked": "****2345", "active": True}
    shown = await client.get(f"{API}/patients/{patient_id}", headers=admin)
    for answer in (put, shown):
        assert "482913" not in answer.text
        assert "C10002345" not in answer.text
    async with database.transaction() as session:
        stored = await session.scalar(select(Card.check_code_hash))
        entries = (await session.scalars(select(AuditEntry))).all()
    assert stored is not None
    assert len(stored) == 32
    assert "482913" not in str([entry.details for entry in entries])
    closed = await client.put(address, headers=admin, json={"number": "C10002345", "active": False})
    assert closed.json()["active"] is False
    async with database.transaction() as session:
        assert await session.scalar(select(Card.check_code_hash)) == stored


async def test_cards_that_are_refused(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    first, second = await put_patient(client, admin, "P1"), await put_patient(client, admin, "P2")
    await client.put(
        f"{API}/patients/{first}/cards", headers=admin, json={"number": "C10002345", "check_code": "482913"}
    )

    async def code_of(patient_id: str, body: dict[str, object]) -> str:
        answer = await client.put(f"{API}/patients/{patient_id}/cards", headers=admin, json=body)
        assert "12345" not in answer.text
        return str(answer.json()["code"])

    assert await code_of(second, {"number": "C10002345", "check_code": "111222"}) == "card-taken"
    assert await code_of(second, {"number": "C10009999"}) == "check-code-missing"
    assert await code_of(second, {"number": "C10009999", "check_code": "12345"}) == "validation-failed"
    assert await code_of(second, {"number": "C10009999", "check_code": "12345x"}) == "validation-failed"
    assert await code_of(str(uuid4()), {"number": "C10009999", "check_code": "482913"}) == "patient-not-found"


async def test_a_whole_record(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    await client.put(f"{API}/departments/CARD", headers=admin, json={"name_zh": "心内科", "name_en": "Cardiology"})
    await client.put(f"{API}/doctors/D1", headers=admin, json={"name_zh": "王建国", "department_code": "CARD"})
    grade = {"label_zh": "金卡", "label_en": "Gold", "head_start_seconds": 600, "benefits": ["free_booking"]}
    await client.put(f"{API}/vip-grades/gold", headers=admin, json=grade)
    patient_id = await put_patient(client, admin, "P1", vip_grade="gold", responsible_doctor="D1")
    where = {"patient": "P1", "department": "CARD", "doctor": "D1"}
    visit = where | {"kind": "outpatient", "visited_at": "2026-03-02T09:00:00+08:00", "summary": "高血压"}
    discharge = where | {"discharged_at": "2026-03-05T10:00:00+08:00", "diagnosis": "心律失常"}
    appointment = where | {"booked_at": "2026-03-05T10:00:00Z", "starts_at": "2026-04-01T01:00:00Z"}
    for kind, body in (("visits", visit), ("discharges", discharge), ("appointments", appointment)):
        written = [(await client.put(f"{API}/{kind}/X1", headers=admin, json=body)).json() for _ in range(2)]
        assert [one["written"] for one in written] == ["created", "unchanged"]
    record = (await client.get(f"{API}/patients/{patient_id}", headers=admin)).json()
    assert record["vip"] == grade | {"code": "gold"}
    assert record["responsible_doctor"]["name_zh"] == "王建国"
    assert record["visits"][0]["visited_at"] == "2026-03-02T01:00:00Z"
    assert record["visits"][0]["department"]["code"] == "CARD"
    assert record["discharges"][0]["diagnosis"] == "心律失常"
    assert record["appointments"][0]["status"] == "booked"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"patient": "P9"}, "unknown-patient"),
        ({"department": "X"}, "unknown-department"),
        ({"doctor": "X"}, "unknown-doctor"),
        ({"visited_at": "2026-03-02T09:00:00"}, "validation-failed"),
        ({"kind": "x"}, "validation-failed"),
    ],
)
async def test_records_that_are_refused(
    client: httpx.AsyncClient, admin: dict[str, str], change: dict[str, str], code: str
) -> None:
    await put_patient(client, admin, "P1")
    body = {"patient": "P1", "kind": "outpatient", "visited_at": "2026-03-02T09:00:00Z"} | change
    answer = await client.put(f"{API}/visits/V1", headers=admin, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_grade_in_use_stays(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    grade = {"label_zh": "金卡", "label_en": "Gold", "head_start_seconds": 600, "benefits": []}
    assert (await client.put(f"{API}/vip-grades/gold", headers=admin, json=grade)).status_code == 201
    assert (await client.put(f"{API}/vip-grades/gold", headers=admin, json=grade)).status_code == 200
    await put_patient(client, admin, "P1", vip_grade="gold")
    in_use = await client.delete(f"{API}/vip-grades/gold", headers=admin)
    assert (in_use.status_code, in_use.json()["code"]) == (409, "vip-grade-in-use")
    await put_patient(client, admin, "P1", vip_grade=None)
    assert (await client.delete(f"{API}/vip-grades/gold", headers=admin)).status_code == 204
    assert (await client.delete(f"{API}/vip-grades/gold", headers=admin)).status_code == 404
    assert (await client.get(f"{API}/vip-grades", headers=admin)).json() == []


async def test_every_look_and_change_is_audited_with_who_and_from_where(
    client: httpx.AsyncClient, admin: dict[str, str], database: Database
) -> None:
    patient_id = await put_patient(client, admin)
    agent = await as_role(database, Role.AGENT)
    await search(client, agent, external_id="P1")
    await client.get(f"{API}/patients/{patient_id}", headers=agent)
    await client.post(f"{API}/patients/{patient_id}/numbers", headers=agent, json={"number": "13800000001"})
    assert await audited(database, patient_id) == [
        "patients.put",
        "patients.read",
        "patients.list",
        "patients.read",
        "patients.put_number",
    ]
    async with database.transaction() as session:
        last = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))).one()
    assert last.actor_kind == "user"
    assert last.source == "127.0.0.1"
    assert "1380000" not in str(last.details)


async def test_an_agent_does_not_list_them_all(
    client: httpx.AsyncClient, admin: dict[str, str], database: Database
) -> None:
    await put_patient(client, admin)
    agent = await as_role(database, Role.AGENT)
    for wide in ({}, {"name_prefix": "张"}):
        answer = await client.post(f"{API}/patients/search", headers=agent, json=wide)
        assert (answer.status_code, answer.json()["code"]) == (422, "search-too-wide")
        lead = await as_role(database, Role.SUPERVISOR)
        assert (await client.post(f"{API}/patients/search", headers=lead, json=wide)).status_code == 200
    for narrow in ({"name_prefix": "张三"}, {"external_id": "P1"}, {"number": "13800000001"}, {"card_number": "C1000"}):
        assert (await client.post(f"{API}/patients/search", headers=agent, json=narrow)).status_code == 200


async def test_only_the_patients_of_the_page_count_as_looked_at(
    client: httpx.AsyncClient, admin: dict[str, str], database: Database
) -> None:
    first, second = await put_patient(client, admin, "P1"), await put_patient(client, admin, "P2")
    await search(client, admin, limit=1)
    assert "patients.list" in await audited(database, first)
    assert "patients.list" not in await audited(database, second)


async def test_a_change_that_fails_leaves_neither_change_nor_audit(
    client: httpx.AsyncClient, admin: dict[str, str], database: Database
) -> None:
    patient_id = await put_patient(client, admin)
    before = await audited(database, patient_id)
    answer = await client.post(f"{API}/patients/{patient_id}/numbers", headers=admin, json={"number": "138%5C"})
    assert answer.status_code == 422
    assert await audited(database, patient_id) == before
    async with database.transaction() as session:
        assert await session.scalar(select(PatientNumber)) is None


async def test_an_unknown_patient_is_a_problem(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    answer = await client.get(f"{API}/patients/{uuid4()}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (404, "patient-not-found")


async def test_departments_and_doctors_are_kept_by_their_codes(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    department = {"name_zh": "心内科", "name_en": "Cardiology"}
    statuses = [
        (await client.put(f"{API}/departments/CARD", headers=admin, json=department)).status_code for _ in range(2)
    ]
    assert statuses == [201, 200]
    doctor = {"name_zh": "王建国", "title_zh": "主任医师", "department_code": "CARD"}
    created = await client.put(f"{API}/doctors/D1", headers=admin, json=doctor)
    assert (await client.get(f"{API}/doctors/D1", headers=admin)).json() == created.json()
    unknown = await client.put(f"{API}/doctors/D2", headers=admin, json=doctor | {"department_code": "X"})
    assert unknown.json()["code"] == "unknown-department"
    await client.put(f"{API}/doctors/D3", headers=admin, json={"name_zh": "李明"})
    page = (await client.get(f"{API}/doctors", headers=admin, params={"limit": "1"})).json()
    assert [one["code"] for one in page["items"]] == ["D1"]
    rest = await client.get(f"{API}/doctors", headers=admin, params={"limit": "1", "cursor": page["next_cursor"]})
    assert [one["code"] for one in rest.json()["items"]] == ["D3"]
    assert [one["code"] for one in (await client.get(f"{API}/departments", headers=admin)).json()["items"]] == ["CARD"]
    assert (await client.get(f"{API}/departments/X", headers=admin)).json()["code"] == "department-not-found"
    assert (await client.get(f"{API}/doctors/X", headers=admin)).json()["code"] == "doctor-not-found"
