"""A message is somebody's work before a word is said: of its queue, taken, closed; empty ones by the system."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.calls.recording_files import WavFacts
from callcenter.calls.recordings import MeasuredRecording
from callcenter.calls.service import LedgerHandlers
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from callcenter.workorders.handlers import EVENT_HANDLERS, on_calls, on_measured
from callcenter.workorders.models import WorkOrder
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import Ledger, table
from tests.support.people import asker, given_queue

HANDLERS = LedgerHandlers(on_event=EVENT_HANDLERS, on_calls=(on_calls,))
PATIENT = "0190b1b2-0000-7000-8000-000000000001"
CALL = table(
    """
    0.1 CHAN_START  PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8000
    0.2 CC_CALL     PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8000:caller=13800000001
    0.3 CC_WHO PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient=0190b1b2-0000-7000-8000-000000000001:grade=:verified=0
    1.0 CC_RECORD   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=message:day=20260105:number=1:queue=consultation
    1.1 CC_MESSAGE  PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 queue=consultation:patient=:number=1
    7.0 CC_RECORD   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=message:day=20260105:number=2:queue=vip
    7.1 CC_MESSAGE  PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 queue=vip:patient=:number=2
    9.0 HANGUP      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"hangupcause":16}
    9.0 LINKEDID_END  PJSIP/trunk-00000001   pbx1-1.1  pbx1-1.1
    """
)
FIRST, SECOND = "message-pbx1-1.1-1.wav", "message-pbx1-1.1-2.wav"


@pytest.fixture
async def folder(tmp_path: Path, database: Database) -> AsyncIterator[LedgerFolder]:
    async with database.transaction() as session:
        for name in ("consultation", "vip", "complaint"):
            await given_queue(session, name)
    yield LedgerFolder(tmp_path)


async def orders(database: Database) -> list[WorkOrder]:
    async with database.transaction() as session:
        return list(await session.scalars(select(WorkOrder).order_by(WorkOrder.number)))


async def seen(client: httpx.AsyncClient, headers: dict[str, str], **criteria: str) -> list[str]:
    answer = await client.get("/api/v1/work-orders", params=criteria, headers=headers)
    assert answer.status_code == 200, answer.text
    return [order["queue_name"] for order in answer.json()["items"]]


async def test_it_stands_before_a_word_is_said(folder: LedgerFolder, database: Database) -> None:
    folder.append(Ledger(CALL.cel[:5], []))
    await read_all(folder, database, HANDLERS)
    (order,) = await orders(database)
    assert (order.kind, order.state, order.call_id, order.queue_name) == (
        "message",
        "open",
        "pbx1-1.1",
        "consultation",
    )
    assert (order.caller_number, str(order.patient_id), order.recording_file) == ("+8613800000001", PATIENT, FIRST)
    assert (order.due_at - order.opened_at).days == 1


async def test_two_messages_of_a_call_are_two_orders(folder: LedgerFolder, database: Database) -> None:
    for line in CALL.cel:
        folder.append(Ledger([line], []))
        await read_all(folder, database, HANDLERS)
    assert [(order.queue_name, order.recording_file) for order in await orders(database)] == [
        ("consultation", FIRST),
        ("vip", SECOND),
    ]


async def test_an_empty_one_is_closed_by_the_system_a_lost_one_is_not(folder: LedgerFolder, database: Database) -> None:
    folder.append(CALL)
    await read_all(folder, database, HANDLERS)
    found = [
        MeasuredRecording(FIRST, "message", WavFacts(16_044, 1.0, 0.0)),
        MeasuredRecording(SECOND, "message", None),
    ]
    for _ in range(2):
        async with database.transaction() as session:
            await on_measured(found, session)
    empty, lost = await orders(database)
    assert (empty.state, empty.note, empty.closed_by, lost.state) == ("closed", "empty", "system", "open")
    async with database.transaction() as session:
        (entry,) = await session.scalars(select(AuditEntry))
    assert (entry.actor_name, entry.action, entry.subject_id) == ("system", "workorders.close", str(empty.number))


async def test_one_that_somebody_took_stays_theirs(
    folder: LedgerFolder, database: Database, client: httpx.AsyncClient
) -> None:
    folder.append(CALL)
    await read_all(folder, database, HANDLERS)
    headers = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
    await client.post("/api/v1/work-orders/1001/take", headers=headers)
    async with database.transaction() as session:
        await on_measured([MeasuredRecording(FIRST, "message", WavFacts(16_044, 1.0, 0.0))], session)
    assert (await orders(database))[0].state == "taken"


class TestOverHttp:
    @pytest.fixture(autouse=True)
    async def messages(self, folder: LedgerFolder, database: Database) -> None:
        folder.append(CALL)
        await read_all(folder, database, HANDLERS)

    async def test_who_sees_which(self, client: httpx.AsyncClient, database: Database) -> None:
        member = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
        assert await seen(client, member) == ["consultation"]
        assert (await client.get("/api/v1/work-orders/1002", headers=member)).status_code == 404
        outsider = await asker(database, Role.AGENT, agent="1002", queues=("complaint",))
        assert await seen(client, outsider) == []
        assert (await client.post("/api/v1/work-orders/1001/take", headers=outsider)).status_code == 404
        assert await seen(client, await asker(database, Role.AGENT)) == []
        assert await seen(client, await asker(database, Role.SUPERVISOR, scope=("vip",))) == ["vip"]
        for everything in (Role.SUPERVISOR, Role.QUALITY, Role.ADMIN):
            headers = await asker(database, everything)
            assert await seen(client, headers) == ["vip", "consultation"]
            assert await seen(client, headers, queue="vip") == ["vip"]
            assert await seen(client, headers, kind="complaint") == []

    async def test_taken_answered_closed(self, client: httpx.AsyncClient, database: Database) -> None:
        mine = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
        other = await asker(database, Role.AGENT, agent="1002", queues=("consultation",))
        lead = await asker(database, Role.SUPERVISOR)
        path = "/api/v1/work-orders/1001"
        assert (await client.get(path, headers=mine)).json()["caller_number"] == "+86138****0001"
        for _ in range(2):
            taken = (await client.post(f"{path}/take", headers=mine)).json()
        assert (taken["state"], taken["caller_number"]) == ("taken", "+8613800000001")
        assert (await client.get(path, headers=other)).json()["caller_number"] == "+86138****0001"
        for verb, body in (("take", None), ("close", {"note": "x"})):
            answer = await client.post(f"{path}/{verb}", json=body, headers=other)
            assert (answer.status_code, answer.json()["code"]) == (409, "work-order-taken")
        assert await seen(client, lead, state="taken") == ["consultation"]
        assert (await client.patch(path, json={"note": "下午再打"}, headers=mine)).json()["note"] == "下午再打"
        closed = (await client.post(f"{path}/close", json={"note": "已回电"}, headers=mine)).json()
        assert (closed["state"], closed["taken_by"], closed["closed_by"]) == (
            "closed",
            taken["taken_by"],
            taken["taken_by"],
        )
        again = await client.post(f"{path}/take", headers=lead)
        assert (again.status_code, again.json()["code"]) == (409, "work-order-closed")
        async with database.transaction() as session:
            actions = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
        assert [action for action in actions if action not in ("workorders.read", "workorders.list")] == [
            "workorders.take",
            "workorders.change",
            "workorders.close",
        ]

    async def test_a_supervisor_takes_over(self, client: httpx.AsyncClient, database: Database) -> None:
        agent = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
        before = (await client.post("/api/v1/work-orders/1001/take", headers=agent)).json()
        after = await client.post("/api/v1/work-orders/1001/take", headers=await asker(database, Role.SUPERVISOR))
        assert after.json()["taken_by"] != before["taken_by"]
