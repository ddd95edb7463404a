"""Call-backs over HTTP: who sees which, who may promise, cancel and decide."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts.models import Role
from callcenter.callbacks import placing
from callcenter.callbacks.models import Callback
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.queues.models import Did
from tests.support.api import as_role, declared_roles, given_token
from tests.support.people import HOME, PBX, given_queue

PATIENT_ID = "0190b1b2-0000-7000-8000-000000000001"
STEER = ["admin", "supervisor"]


@pytest.fixture(autouse=True)
async def hospital(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        await given_queue(session, "vip")
        for number, queue in (("8000", "consultation"), ("8001", "vip")):
            session.add(Did(number=number, label_zh="热线", label_en="Hotline", fallback_queue=queue))


async def promise(client: httpx.AsyncClient, database: Database, **values: Any) -> dict[str, Any]:
    body = {"queue": "consultation", "number": "13800000001"} | values
    answer = await client.post("/api/v1/callbacks", json=body, headers=await as_role(database, Role.SUPERVISOR))
    assert answer.status_code == 201, answer.text
    promised: dict[str, Any] = answer.json()
    return promised


async def test_an_agent_promises_one_and_sees_no_number(client: httpx.AsyncClient, database: Database) -> None:
    body = {"queue": "vip", "number": "138 0000 0001", "patient_id": PATIENT_ID}
    answer = await client.post("/api/v1/callbacks", json=body, headers=await as_role(database, Role.AGENT))
    made = answer.json()
    assert answer.status_code == 201
    assert (made["number"], made["did"], made["state"]) == ("+86138****0001", "8001", "waiting")
    assert made["requested_by"].startswith("user-")
    again = await promise(client, database, queue="vip")
    assert (again["id"], again["number"]) == (made["id"], "+8613800000001")
    async with database.transaction() as session:
        entries = [(one.action, str(one.patient_id)) for one in await session.scalars(select(AuditEntry))]
    assert entries == [("callbacks.request", PATIENT_ID)] * 2


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"number": "110"}, 422, "number-not-callable"),
        ({"number": "0012125550123"}, 422, "number-not-callable"),
        ({"number": "no number"}, 422, "number-not-callable"),
        ({"queue": "nowhere"}, 404, "queue-not-found"),
        ({"did": "9999"}, 409, "callback-refused"),
    ],
)
async def test_what_is_refused(
    client: httpx.AsyncClient, database: Database, change: dict[str, str], status: int, code: str
) -> None:
    body = {"queue": "consultation", "number": "13800000001"} | change
    answer = await client.post("/api/v1/callbacks", json=body, headers=await as_role(database, Role.SUPERVISOR))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "no number" not in answer.text


async def test_listed_by_page_queue_and_state(client: httpx.AsyncClient, database: Database) -> None:
    ids = [(await promise(client, database, number=f"1380000000{index}"))["id"] for index in range(1, 4)]
    await promise(client, database, queue="vip")
    headers = await as_role(database, Role.QUALITY)
    params: dict[str, Any] = {"queue": "consultation", "state": "waiting", "limit": 2}
    first = (await client.get("/api/v1/callbacks", params=params, headers=headers)).json()
    params["cursor"] = first["next_cursor"]
    second = (await client.get("/api/v1/callbacks", params=params, headers=headers)).json()
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert {one["number"] for one in first["items"]} == {"+86138****0003", "+86138****0002"}
    assert second["next_cursor"] is None
    bad = await client.get("/api/v1/callbacks", params={"cursor": "WyJhIl0"}, headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid-cursor")


async def test_a_supervisor_steers_only_their_queues(client: httpx.AsyncClient, database: Database) -> None:
    other = await promise(client, database)
    token = await given_token(database, Role.SUPERVISOR, queue_scope=("vip",))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/api/v1/callbacks", headers=headers)).json()["items"] == []
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry")):
        answer = await client.request(method, f"/api/v1/callbacks/{other['id']}{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "callback-not-found")
    body = {"queue": "consultation", "number": "13800000002"}
    assert (await client.post("/api/v1/callbacks", json=body, headers=headers)).status_code == 404
    period = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    figures = await client.get("/api/v1/queues/consultation/callbacks/figures", params=period, headers=headers)
    assert figures.status_code == 404


async def test_cancelled_but_not_while_it_is_dialled(client: httpx.AsyncClient, database: Database) -> None:
    made = await promise(client, database)
    headers = await as_role(database, Role.SUPERVISOR)
    async with database.transaction() as session:
        await placing.place_due(session, PBX, now(), HOME)
    detail = (await client.get(f"/api/v1/callbacks/{made['id']}", headers=headers)).json()
    (attempt,) = detail["attempts"]
    assert (detail["state"], attempt["number"], attempt["outcome"]) == ("queued", 1, None)
    async with database.transaction() as session:
        await placing.claim_dial(session, attempt["id"], now(), HOME)
    refused = await client.post(f"/api/v1/callbacks/{made['id']}/cancel", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "callback-being-dialled")
    async with database.transaction() as session:
        await placing.settle_vanished(session, [attempt["id"]], now())
    cancelled = await client.post(f"/api/v1/callbacks/{made['id']}/cancel", headers=headers)
    assert (cancelled.json()["state"], len(cancelled.json()["attempts"])) == ("cancelled", 1)
    again = await client.post(f"/api/v1/callbacks/{made['id']}/cancel", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "callback-over")


async def test_a_person_decides_on_an_unknown_one(client: httpx.AsyncClient, database: Database) -> None:
    made = await promise(client, database)
    headers = await as_role(database, Role.SUPERVISOR)
    retry = f"/api/v1/callbacks/{made['id']}/retry"
    early = await client.post(retry, headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "callback-not-unknown")
    async with database.transaction() as session:
        await session.execute(update(Callback).values(state="unknown", finished_at=now()))
    later = await promise(client, database)  # the patient, or somebody, asked anew meanwhile
    refused = await client.post(retry, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "callback-refused")
    await client.post(f"/api/v1/callbacks/{later['id']}/cancel", headers=headers)
    decided = (await client.post(retry, headers=headers)).json()
    assert (decided["state"], decided["finished_at"]) == ("waiting", None)


async def test_rules_and_figures(client: httpx.AsyncClient, database: Database) -> None:
    await promise(client, database)
    headers = await as_role(database, Role.ADMIN)
    path = "/api/v1/queues/consultation/callbacks"
    rules = {"active": False, "expiry_seconds": 3600, "max_open": 5}
    assert (await client.get(f"{path}/rules", headers=headers)).json()["active"] is True
    assert (await client.put(f"{path}/rules", json=rules, headers=headers)).json() == rules
    assert (await client.get(f"{path}/rules", headers=headers)).json() == rules
    body = {"queue": "consultation", "number": "13800000002"}
    answer = await client.post("/api/v1/callbacks", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "callback-refused")
    period = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    figures = (await client.get(f"{path}/figures", params=period, headers=headers)).json()
    assert (figures["requested"], figures["waiting"], figures["unknown"]) == (1, 1, 0)
    backwards = {"from": period["to"], "to": period["from"]}
    assert (await client.get(f"{path}/figures", params=backwards, headers=headers)).status_code == 422


async def test_who_may_call_what(client: httpx.AsyncClient) -> None:
    declared = await declared_roles(client, "callbacks_")
    assert {name.removeprefix("callbacks_"): roles for name, roles in declared.items()} == {
        "list_callbacks": ["admin", "quality", "supervisor"],
        "request_callback": ["admin", "agent", "expert", "supervisor"],
        "get_callback": ["admin", "quality", "supervisor"],
        "cancel_callback": STEER,
        "retry_callback": STEER,
        "get_callback_figures": ["admin", "integration", "quality", "supervisor"],
        "get_callback_rules": ["admin", "quality", "supervisor"],
        "put_callback_rules": ["admin"],
    }
