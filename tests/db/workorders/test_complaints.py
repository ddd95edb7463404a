"""A complaint becomes a work order while the call goes on; nobody complained of reads it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role, User
from callcenter.agents.models import Agent
from callcenter.calls.service import LedgerHandlers
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.workorders.handlers import EVENT_HANDLERS, on_calls
from callcenter.workorders.models import WorkOrder
from tests.support.api import declared_roles, given_token
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import T0, Ledger, table

HANDLERS = LedgerHandlers(on_event=EVENT_HANDLERS, on_calls=(on_calls,))
PATIENT = "0190b1b2-0000-7000-8000-000000000001"
OTHER_PATIENT = "0190b1b2-0000-7000-8000-000000000002"
CALL = table(
    """
    0.1 CHAN_START    PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8001
    0.2 CC_CALL       PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8001:caller=13800000001
    0.3 CC_COMPLAINT  PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 flow=complaint
    0.4 CC_WHO PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient=0190b1b2-0000-7000-8000-000000000001:grade=:verified=0
    0.5 CC_RECORD     PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=complaint:day=20260105
    0.6 CC_QUEUE      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 visit=1:queue=complaint:prio=1
    0.7 CHAN_START    PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 exten=s
    1.4 ANSWER        PJSIP/seat-a-00000002  pbx1-1.2  pbx1-1.1
    1.5 BRIDGE_ENTER  PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"091be170"}
    1.6 BRIDGE_ENTER  PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"bridge_id":"091be170"}
    9.0 HANGUP        PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"hangupcause":16,"hangupsource":"PJSIP/trunk-00000001"}
    9.0 LINKEDID_END  PJSIP/trunk-00000001   pbx1-1.1  pbx1-1.1
    1|pbx1-1.1|complaint|agent-1001|CONNECT|1|pbx1-1.2|0
    """
)
EVERYBODY = ["admin", "agent", "expert", "integration", "quality", "supervisor"]
ALL_ROLES = sorted(role.value for role in Role)


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[LedgerFolder]:
    yield LedgerFolder(tmp_path)


async def order(database: Database) -> WorkOrder:
    async with database.transaction() as session:
        return (await session.scalars(select(WorkOrder))).one()


async def headers(database: Database, *roles: Role, agent: str | None = None) -> dict[str, str]:
    token = await given_token(database, *roles)
    if agent:
        async with database.transaction() as session:
            user = (await session.scalars(select(User).order_by(User.created_at.desc()).limit(1))).one()
            session.add(
                Agent(
                    number=agent,
                    display_name=agent,
                    user_id=user.id,
                    wanted_since=now(),
                    activity_since=now(),
                    sequence=0,
                )
            )
    return {"Authorization": f"Bearer {token}"}


async def test_it_stands_before_the_call_is_over(folder: LedgerFolder, database: Database) -> None:
    folder.append(Ledger(CALL.cel[:3], []))
    await read_all(folder, database, HANDLERS)
    first = await order(database)
    assert (first.kind, first.state, first.call_id) == ("complaint", "open", "pbx1-1.1")
    assert first.opened_at == T0.replace(microsecond=300_000)
    assert (first.due_at - first.opened_at).days == 7
    assert (first.caller_number, first.patient_id, first.recording_file) == ("+8613800000001", None, None)


async def test_what_becomes_known_later_is_filled_in_once_and_for_all_repeats(
    folder: LedgerFolder, database: Database
) -> None:
    for line in CALL.cel:
        folder.append(Ledger([line], []))
        await read_all(folder, database, HANDLERS)
    folder.append(Ledger([], CALL.queue_log))
    await read_all(folder, database, HANDLERS)
    found = await order(database)
    assert (str(found.patient_id), found.recording_file) == (PATIENT, "20260105/complaint-pbx1-1.1.wav")
    assert found.number == 1001


async def test_what_a_person_said_stays(folder: LedgerFolder, database: Database, client: httpx.AsyncClient) -> None:
    asker = await headers(database, Role.SUPERVISOR)
    folder.append(Ledger(CALL.cel[:3], []))
    await read_all(folder, database, HANDLERS)
    body = {"patient_id": OTHER_PATIENT, "note": "替母亲来电"}
    answer = await client.patch("/api/v1/work-orders/1001", json=body, headers=asker)
    assert answer.status_code == 200
    folder.append(Ledger(CALL.cel[3:], CALL.queue_log))
    await read_all(folder, database, HANDLERS)
    found = await order(database)
    assert (str(found.patient_id), found.note) == (OTHER_PATIENT, "替母亲来电")
    assert found.recording_file is not None


class TestOverHttp:
    @pytest.fixture(autouse=True)
    async def complaint(self, folder: LedgerFolder, database: Database) -> None:
        folder.append(CALL)
        await read_all(folder, database, HANDLERS)

    async def test_read_and_close(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.QUALITY)
        (listed,) = (await client.get("/api/v1/work-orders", params={"state": "open"}, headers=asker)).json()["items"]
        assert (listed["number"], listed["caller_number"]) == (1001, "+86138****0001")
        closed = await client.post("/api/v1/work-orders/1001/close", json={"note": "已致歉"}, headers=asker)
        assert (closed.json()["state"], closed.json()["note"]) == ("closed", "已致歉")
        again = await client.post("/api/v1/work-orders/1001/close", json={"note": "x"}, headers=asker)
        assert (again.status_code, again.json()["code"]) == (409, "work-order-closed")
        change = await client.patch("/api/v1/work-orders/1001", json={"note": "x"}, headers=asker)
        assert change.status_code == 409
        assert (await client.get("/api/v1/work-orders", params={"state": "open"}, headers=asker)).json()["items"] == []
        async with database.transaction() as session:
            entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
        assert [entry.action for entry in entries] == ["workorders.list", "workorders.close"]
        assert str(entries[1].patient_id) == PATIENT

    @pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
    async def test_whoever_talked_in_that_call_does_not_see_it(
        self, client: httpx.AsyncClient, database: Database, role: Role
    ) -> None:
        talked = await headers(database, role, agent="1001")
        other = await headers(database, role, agent="1002")
        assert (await client.get("/api/v1/work-orders", headers=talked)).json()["items"] == []
        answer = await client.get("/api/v1/work-orders/1001", headers=talked)
        assert (answer.status_code, answer.json()["code"]) == (404, "work-order-not-found")
        assert len((await client.get("/api/v1/work-orders", headers=other)).json()["items"]) == 1
        assert (await client.get("/api/v1/work-orders/1001", headers=other)).status_code == 200
        if role is Role.SUPERVISOR:
            close = await client.post("/api/v1/work-orders/1001/close", json={"note": "x"}, headers=talked)
            assert close.status_code == 404

    async def test_a_bad_cursor_is_refused(self, client: httpx.AsyncClient, database: Database) -> None:
        answer = await client.get(
            "/api/v1/work-orders", params={"cursor": "WyJhIl0"}, headers=await headers(database, Role.QUALITY)
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")


async def test_who_may_call_what(client: httpx.AsyncClient) -> None:
    assert await declared_roles(client, "workorders_") == {
        "workorders_list_work_orders": EVERYBODY,
        "workorders_get_work_order": EVERYBODY,
        "workorders_change_work_order": EVERYBODY,
        "workorders_take_work_order": EVERYBODY,
        "workorders_close_work_order": EVERYBODY,
        "workorders_open_work_order": ["admin", "integration", "quality", "supervisor"],
        "workorders_list_work_order_categories": ALL_ROLES,
        "workorders_put_work_order_category": ["admin"],
    }
