"""Who does not want to be called is not called by anything that dials by itself; staff are warned."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from callcenter.accounts.models import Role
from callcenter.callbacks import placing
from callcenter.callbacks.models import Callback
from callcenter.callouts import do_not_call, service
from callcenter.callouts.models import DoNotCallEntry
from callcenter.callouts.policy import Refusal
from callcenter.callouts.service import CallOut
from callcenter.core.alarms import Alarm
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.patients import do_not_call_import
from callcenter.patients.models import PatientNumber
from callcenter.queues.models import Did
from tests.support import campaigns
from tests.support.api import as_api_key, as_role
from tests.support.people import HOME, PBX, given_queue

LIST, SEARCH = "/api/v1/do-not-call", "/api/v1/do-not-call/search"
NUMBER, E164 = "138 0000 0001", "+8613800000001"
ADD = {"number": NUMBER, "reason": "要求勿扰"}
Headers = dict[str, str]


@pytest.fixture
async def li_na(database: Database) -> Headers:
    return await as_role(database, Role.AGENT)


async def add(client: httpx.AsyncClient, headers: Headers, **more: Any) -> httpx.Response:
    return await client.post(LIST, headers=headers, json=ADD | more)


async def refusal_of(database: Database, wanted: CallOut) -> Refusal | None:
    async with database.transaction() as session:
        found = await service.find_refusal(session, wanted, HOME, now())
        assert await service.take_place(session, wanted, HOME, now()) is found, "asked and dialled are one rule"
        assert await session.scalar(select(func.count()).select_from(Alarm)) == 0, "nobody tries to have us pay"
        return found


async def test_a_listed_number_is_not_dialled_until_it_is_taken_back(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    assert await refusal_of(database, CallOut(E164)) is None
    entry = await add(client, li_na, call_id="pbx1-1.1")
    assert entry.status_code == 201
    assert (entry.json()["number"], entry.json()["counts"]) == ("+86138****0001", True)
    assert await refusal_of(database, CallOut(E164)) is Refusal.DO_NOT_CALL
    assert await refusal_of(database, CallOut(E164, staff="li.na")) is Refusal.DO_NOT_CALL
    assert await refusal_of(database, CallOut(E164, staff="li.na", confirmed=True)) is None
    path = f"{LIST}/{entry.json()['id']}/remove"
    assert (await client.post(path, headers=li_na, json={"reason": "x"})).status_code == 403
    lead = await as_role(database, Role.SUPERVISOR)
    gone = await client.post(path, headers=lead, json={"reason": "患者同意"})
    assert (gone.json()["counts"], gone.json()["removal_reason"], gone.json()["number"]) == (False, "患者同意", E164)
    again = await client.post(path, headers=lead, json={"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "do-not-call-entry-over")
    assert await refusal_of(database, CallOut(E164)) is None
    assert (await add(client, li_na)).status_code == 201
    async with database.transaction() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.startswith("callouts.")).order_by(AuditEntry.id)
        assert list(await session.scalars(query)) == [
            "callouts.add_do_not_call",
            "callouts.remove_do_not_call",
            "callouts.add_do_not_call",
        ]


async def test_it_ends_by_itself(client: httpx.AsyncClient, database: Database, li_na: Headers) -> None:
    await add(client, li_na, until=(now() + timedelta(days=1)).isoformat())
    assert await refusal_of(database, CallOut(E164)) is Refusal.DO_NOT_CALL
    async with database.transaction() as session:
        await session.execute(update(DoNotCallEntry).values(until=now() - timedelta(seconds=1)))
    assert await refusal_of(database, CallOut(E164)) is None
    assert (await add(client, li_na, reason="又一次")).status_code == 201
    assert await refusal_of(database, CallOut(E164)) is Refusal.DO_NOT_CALL
    listed = (await client.post(SEARCH, headers=li_na, json={"number": NUMBER, "with_removed": True})).json()["items"]
    assert [(one["reason"], one["counts"], one["removal_reason"]) for one in listed] == [
        ("又一次", True, None),
        ("要求勿扰", False, "expired"),
    ]


async def test_twice_at_once_is_one_entry(client: httpx.AsyncClient, database: Database, li_na: Headers) -> None:
    answers = await asyncio.gather(*(add(client, li_na) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    changed = await add(client, li_na, reason="换了说法")
    assert (changed.status_code, changed.json()["reason"]) == (200, "换了说法")
    integration = await as_api_key(database, Role.INTEGRATION)
    (one,) = (await client.post(SEARCH, headers=integration, json={})).json()["items"]
    assert (one["number"], one["reason"]) == (E164, "换了说法")


async def test_what_is_no_number_is_not_listed(client: httpx.AsyncClient, li_na: Headers) -> None:
    answer = await add(client, li_na, number="${EXTEN}")
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable-number")


async def test_a_call_back_needs_a_confirmation_and_one_promised_before_ends(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="consultation"))
    wish = {"queue": "consultation", "number": NUMBER}
    promised = (await client.post("/api/v1/callbacks", headers=li_na, json=wish)).json()
    await add(client, li_na)
    async with database.transaction() as session:
        assert await placing.place_due(session, PBX, now(), HOME) == 0
    async with database.transaction() as session:
        ended = (await session.scalars(select(Callback))).one()
        assert (str(ended.id), ended.state, ended.reason) == (promised["id"], "failed", "do_not_call")
    warned = await client.post("/api/v1/callbacks", headers=li_na, json=wish)
    assert (warned.status_code, warned.json()["code"]) == (409, "do-not-call")
    sure = await client.post("/api/v1/callbacks", headers=li_na, json=wish | {"do_not_call_confirmed": True})
    assert sure.status_code == 201
    async with database.transaction() as session:
        assert await placing.place_due(session, PBX, now(), HOME) == 1


async def given_patient(database: Database, *numbers: str) -> str:
    async with database.transaction() as session:
        patient = await campaigns.given_patient(session)
        session.add_all(PatientNumber(patient_id=patient.id, e164=number) for number in numbers)
        return str(patient.id)


async def test_a_person_is_listed_changed_found_and_taken_back(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    patient = await given_patient(database)
    path = f"/api/v1/patients/{patient}/do-not-call"
    entry = await client.post(path, headers=li_na, json={"reason": "要求勿扰"})
    assert entry.status_code == 201, entry.text
    assert (entry.json()["patient_id"], entry.json()["number"], entry.json()["counts"]) == (patient, None, True)
    changed = await client.post(path, headers=li_na, json={"reason": "家属要求"})
    assert (changed.status_code, changed.json()["id"]) == (200, entry.json()["id"])
    (one,) = (await client.post(SEARCH, headers=li_na, json={"patient_id": patient})).json()["items"]
    assert one["reason"] == "家属要求"
    both = await client.post(SEARCH, headers=li_na, json={"patient_id": patient, "number": NUMBER})
    assert both.status_code == 422
    lead = await as_role(database, Role.SUPERVISOR)
    gone = await client.post(f"{LIST}/{one['id']}/remove", headers=lead, json={"reason": "患者同意"})
    assert (gone.json()["counts"], gone.json()["patient_id"]) == (False, patient)
    assert (await client.post(SEARCH, headers=li_na, json={"patient_id": patient})).json()["items"] == []
    nobody = "/api/v1/patients/00000000-0000-0000-0000-000000000000/do-not-call"
    assert (await client.post(nobody, headers=li_na, json={"reason": "x"})).status_code == 404


async def test_staff_are_warned_of_a_person_at_whichever_number(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="consultation"))
    patient = await given_patient(database, E164)
    await client.post(f"/api/v1/patients/{patient}/do-not-call", headers=li_na, json={"reason": "要求勿扰"})
    wish = {"queue": "consultation", "number": NUMBER, "patient_id": patient}
    warned = await client.post("/api/v1/callbacks", headers=li_na, json=wish)
    assert (warned.status_code, warned.json()["code"]) == (409, "do-not-call")
    sure = await client.post("/api/v1/callbacks", headers=li_na, json=wish | {"do_not_call_confirmed": True})
    assert sure.status_code == 201, sure.text


# -- lists from files


async def load(client: httpx.AsyncClient, headers: Headers, text: str) -> httpx.Response:
    return await client.post(f"{LIST}/import", headers=headers, files={"file": ("list.csv", text.encode())})


async def listed_until(database: Database) -> dict[str, datetime | None]:
    """What counts, by number or patient."""
    async with database.transaction() as session:
        rows = await session.scalars(select(DoNotCallEntry).where(DoNotCallEntry.removed_at.is_(None)))
        return {row.e164 or str(row.patient_id): row.until for row in rows}


async def test_a_file_is_put_on_the_list_and_each_bad_row_told(client: httpx.AsyncClient, database: Database) -> None:
    lead = await as_role(database, Role.SUPERVISOR)
    patient = await given_patient(database)
    rows = [
        "电话,患者编号,原因,截止日期",
        "138 0000 0001,,投诉后要求,",
        ",P1,家属要求,2099-12-31",
        "+8613800000001,,,2099-12-31",  # the same again, for a shorter time
        "${EXTEN},,,",
        ",P2,,",
        "13800000002,P1,,",
        ",,理由,",
        "13800000003,,,2001-01-01",
        "13800000004,,,soon",
        "13800000005,,=cmd|' /C calc'!A0,",
        f"13800000006,,{'x' * 501},",
        "13800000007,,",
    ]
    report = await load(client, lead, "\n".join(rows))
    assert report.status_code == 200, report.text
    found = report.json()
    assert (found["rows"], found["added"], found["listed"], found["rejected"]) == (12, 3, 1, 8)
    assert [(one["line"], one["column"], one["reason"]) for one in found["problems"]] == [
        (5, "number", "unreadable-number"),
        (6, "external_id", "unknown-patient"),
        (7, "", "number-or-patient"),
        (8, "", "number-or-patient"),
        (9, "until", "bad-date"),
        (10, "until", "bad-date"),
        (12, "reason", "cell-too-long"),
        (13, "", "wrong-cell-count"),
    ]
    ends = datetime(2100, 1, 1, tzinfo=HOME.zone)
    assert await listed_until(database) == {E164: None, patient: ends, "+8613800000005": None}
    again = (await load(client, lead, "\n".join(rows))).json()
    assert (again["added"], again["listed"]) == (0, 4)
    assert await listed_until(database) == {E164: None, patient: ends, "+8613800000005": None}
    async with database.transaction() as session:
        query = select(AuditEntry.details).where(AuditEntry.action == "callouts.import_do_not_call")
        told = list(await session.scalars(query.order_by(AuditEntry.id)))
    assert told == [{"rows": 3, "added": 3}, {"rows": 3, "added": 0}]


async def test_a_file_lengthens_and_revives_and_never_shortens(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    lead = await as_role(database, Role.SUPERVISOR)
    for number in ("13800000001", "13800000002", "13800000003"):
        await add(client, li_na, number=number, until=(now() + timedelta(days=1)).isoformat())
    async with database.transaction() as session:
        over = update(DoNotCallEntry).where(DoNotCallEntry.e164 == "+8613800000003")
        await session.execute(over.values(until=now() - timedelta(seconds=1)))
    text = "number,until\n13800000001,\n13800000002,2099-12-31\n13800000003,2099-12-31\n"
    assert (await load(client, lead, text)).json()["added"] == 1
    ends = datetime(2100, 1, 1, tzinfo=HOME.zone)
    for_good = {"+8613800000001": None, "+8613800000002": ends, "+8613800000003": ends}
    assert await listed_until(database) == for_good
    await load(client, lead, f"number,until\n13800000001,2099-12-31\n13800000002,{now():%Y-%m-%d}\n")
    assert await listed_until(database) == for_good


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("reason,until", "missing-column"),
        ("number,password", "unknown-column"),
        ("number,电话", "repeated-column"),
        ("", "empty"),
    ],
)
async def test_a_file_that_is_no_list(client: httpx.AsyncClient, database: Database, header: str, reason: str) -> None:
    lead = await as_role(database, Role.SUPERVISOR)
    refused = await load(client, lead, f"{header}\n13800000001,x\n" if header else "")
    assert (refused.status_code, refused.json()["code"]) == (422, "import-refused")
    assert refused.json()["details"]["reason"] == reason


async def test_many_batches(client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = await as_role(database, Role.SUPERVISOR)
    monkeypatch.setattr(do_not_call_import, "BATCH_ROWS", 7)
    monkeypatch.setattr(do_not_call, "_ROWS_AT_ONCE", 3)
    text = "number\n" + "".join(f"138{number:08d}\n" for number in range(50))
    assert (await load(client, lead, text)).json() == {
        "rows": 50,
        "added": 50,
        "listed": 0,
        "rejected": 0,
        "problems": [],
    }
    assert len(await listed_until(database)) == 50


async def test_agents_load_no_lists(client: httpx.AsyncClient, li_na: Headers) -> None:
    assert (await load(client, li_na, "number\n13800000001\n")).status_code == 403
