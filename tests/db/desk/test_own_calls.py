"""An agent's own calls and figures, and what comes of a call."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from callcenter.accounts.models import Role
from callcenter.agents.models import Activity
from callcenter.callbacks.models import Callback
from callcenter.desk.own_figures import get_own_figures
from callcenter.workorders.models import WorkOrder
from tests.db.desk.scene import CALL, E164, Desk, given_patient, ledger
from tests.support.api import as_api_key, as_role
from tests.support.ledger_tables import T0, table
from tests.support.people import PBX, asker, given_seats, state_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
MISSED = """
    20.0 CHAN_START   PJSIP/trunk-00000009 pbx1-2.1 pbx1-2.1 exten=8000
    20.1 CC_CALL      PJSIP/trunk-00000009 pbx1-2.1 pbx1-2.1 did=8000:caller=13800000002
    21.0 CC_QUEUE     PJSIP/trunk-00000009 pbx1-2.1 pbx1-2.1 visit=1:queue=consultation:prio=1
    22.0 CHAN_START   PJSIP/seat-rose-00000010 pbx1-2.2 pbx1-2.1 exten=s
    27.0 HANGUP       PJSIP/seat-rose-00000010 pbx1-2.2 pbx1-2.1 {"hangupcause":0}
    30.0 HANGUP       PJSIP/trunk-00000009 pbx1-2.1 pbx1-2.1 {"hangupcause":16}
    30.0 LINKEDID_END PJSIP/trunk-00000009 pbx1-2.1 pbx1-2.1
"""


@pytest.fixture(autouse=True)
async def seat(desk: Desk) -> None:
    """Agent 1001 sits there since before the ledger's first line."""
    async with desk.database.transaction() as session:
        await given_seats(session, "seat-rose")
    await desk.client.put(
        "/api/v1/agents/me/state", headers=desk.li_na, json={"wanted": "available", "seat": "seat-rose"}
    )
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE agent_state_changes SET at = :at"), {"at": T0 - timedelta(hours=1)})


async def own_calls(desk: Desk, **params: Any) -> dict[str, Any]:
    answer = await desk.client.get("/api/v1/agents/me/calls", headers=desk.li_na, params=params)
    found: dict[str, Any] = answer.json()
    return found


async def test_own_calls_with_what_was_written(desk: Desk) -> None:
    assert (await own_calls(desk))["items"] == []
    await desk.does(Activity.ON_CALL, CALL)
    await desk.read(ledger())
    await desk.read(table(MISSED))
    await desk.ask("PUT", "note", {"text": "要改约", "version": 0})
    (one,) = (await own_calls(desk))["items"]
    assert (one["id"], one["caller_number"], one["note"], one["note_version"], one["disposition"]) == (
        *(CALL, "+86138****0001", "要改约", 1),
        None,
    )
    other = await asker(desk.database, Role.AGENT, agent="1002")
    theirs = await desk.client.get("/api/v1/agents/me/calls", headers=other)
    assert theirs.json()["items"] == []


async def test_figures_add_up(desk: Desk) -> None:
    await desk.read(ledger())
    await desk.read(table(MISSED))
    async with desk.database.transaction() as session:
        agent = await state_of(desk.database)
        at = T0 + timedelta(hours=1)
        figures = await get_own_figures(session, agent, at, zone=SHANGHAI, pbx=PBX)
    assert figures.start == datetime(2026, 1, 5, tzinfo=SHANGHAI)
    assert (figures.offered, figures.answered, figures.missed, figures.withdrawn, figures.open) == (2, 1, 1, 0, 0)
    assert figures.talk == timedelta(seconds=3)
    assert figures.hold == timedelta()
    states = figures.states
    assert states.logged_in == timedelta(hours=2), "an hour before the first line and one after"
    assert states.logged_in == sum(
        (
            *(states.available, states.ringing, states.on_call, states.wrap_up, states.unobserved),
            *states.paused.values(),
        ),
        timedelta(),
    )


async def test_figures_of_another_day_are_not_today_s(desk: Desk) -> None:
    await desk.read(ledger())
    answer = (await desk.client.get("/api/v1/agents/me/figures", headers=desk.li_na)).json()
    assert (answer["offered"], answer["talk_seconds"], answer["average_rating"]) == (0, 0.0, None)
    assert answer["logged_in_seconds"] > 0
    parts = sum(answer[f"{name}_seconds"] for name in ("available", "ringing", "on_call", "wrap_up", "unobserved"))
    assert parts + sum(one["seconds"] for one in answer["paused"]) == pytest.approx(answer["logged_in_seconds"])


async def test_a_call_held_counts_as_hold(desk: Desk) -> None:
    held = """
        7.0 STREAM_BEGIN PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"class":"default"}
        8.0 STREAM_END   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"class":"default"}
    """
    await desk.read(ledger(only_ringing=True))
    whole, ringing = ledger(), ledger(only_ringing=True)
    rest = type(whole)(whole.cel[len(ringing.cel) :], whole.queue_log[len(ringing.queue_log) :])
    talking, end = rest.cel[:3], rest.cel[3:]
    await desk.read(type(whole)([*talking, *table(held).cel, *end], rest.queue_log))
    async with desk.database.transaction() as session:
        agent = await state_of(desk.database)
        figures = await get_own_figures(session, agent, T0 + timedelta(hours=1), zone=SHANGHAI, pbx=PBX)
    assert (figures.talk + figures.hold, figures.hold) == (timedelta(seconds=3), timedelta(seconds=1))


# -- what comes of a call


async def test_a_promise_to_call_back_keeps_the_number_from_the_agent(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session)
    await desk.rings()
    promised = await desk.ask("POST", "callback", {})
    assert (promised.status_code, promised.json()["number"]) == (201, "+86138****0001")
    async with desk.database.transaction() as session:
        (callback,) = await session.scalars(select(Callback))
    assert (callback.e164, callback.queue_name, callback.call_id, callback.patient_id, callback.did) == (
        *(E164, "consultation", CALL, patient_id),
        "8000",
    )
    assert (await desk.ask("POST", "callback", {"did": "9999"})).json()["code"] == "callback-refused"


async def test_the_caller_does_not_want_to_be_called(desk: Desk) -> None:
    await desk.rings()
    listed = await desk.ask("POST", "do-not-call", {"reason": "要求勿扰"})
    assert (listed.status_code, listed.json()["number"], listed.json()["call_id"]) == (201, "+86138****0001", CALL)
    warned = await desk.ask("POST", "callback", {})
    assert (warned.status_code, warned.json()["code"]) == (409, "do-not-call")
    assert (await desk.ask("POST", "callback", {"do_not_call_confirmed": True})).status_code == 201


async def test_the_patient_does_not_want_to_be_called_at_any_number(desk: Desk) -> None:
    await desk.rings()
    stranger = await desk.ask("POST", "do-not-call", {"reason": "要求勿扰", "person": True})
    assert (stranger.status_code, stranger.json()["code"]) == (409, "patient-not-of-call")
    async with desk.database.transaction() as session:
        patient = await given_patient(session)
    listed = await desk.ask("POST", "do-not-call", {"reason": "要求勿扰", "person": True})
    assert listed.status_code == 201, listed.text
    assert (listed.json()["number"], listed.json()["patient_id"]) == (None, str(patient))
    warned = await desk.ask("POST", "callback", {})
    assert (warned.status_code, warned.json()["code"]) == (409, "do-not-call")


async def test_without_a_number_nobody_can_be_called(desk: Desk) -> None:
    await desk.rings(waiting=False)
    answer = await desk.ask("POST", "callback", {"queue": "consultation"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no-number-of-call")


async def test_what_was_heard_is_somebody_s_work(desk: Desk) -> None:
    admin = await as_role(desk.database, Role.ADMIN)
    for code, parent in (("waiting", None), ("waiting_room", "waiting")):
        body = {"label_zh": code, "label_en": code, "parent": parent}
        put = await desk.client.put(f"/api/v1/work-order-categories/{code}", headers=admin, json=body)
        assert put.status_code == 200
    round_ = {"label_zh": "x", "label_en": "x", "parent": "waiting_room"}
    cycle = await desk.client.put("/api/v1/work-order-categories/waiting", headers=admin, json=round_)
    assert (cycle.status_code, cycle.json()["code"]) == (409, "category-cycle")
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session)
    await desk.rings()
    wish = {"kind": "suggestion", "request": "多放椅子", "category": "waiting_room"}
    opened = await desk.ask("POST", "work-orders", wish)
    order = opened.json()
    assert (opened.status_code, order["category"], order["queue_name"], order["patient_id"]) == (
        *(201, "waiting_room", "consultation"),
        str(patient_id),
    )
    assert order["opened_by"].startswith("user-")
    again = (await desk.ask("POST", "work-orders", wish | {"request": "还有"})).json()
    assert again["number"] == order["number"] + 1
    assert {one["number"] for one in (await desk.pop())["work_orders"]} == {order["number"], again["number"]}
    unknown = await desk.ask("POST", "work-orders", wish | {"category": "unheard_of"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown-category")
    async with desk.database.transaction() as session:
        occasions = await session.scalars(select(WorkOrder.occasion).order_by(WorkOrder.number))
        assert list(occasions) == [1001, 1002]


async def test_the_ledger_s_complaint_stands_beside_one_that_the_agent_opened(desk: Desk) -> None:
    """And who talked in a call with a complaint does not see it."""
    await desk.does(Activity.ON_CALL, CALL)
    opened = await desk.ask("POST", "work-orders", {"kind": "complaint", "request": "态度"})
    assert (opened.status_code, opened.json()["queue_name"]) == (201, None)
    crm = await as_api_key(desk.database, Role.INTEGRATION)
    seen = await desk.client.get("/api/v1/work-orders", headers=crm)
    assert [one["request"] for one in seen.json()["items"]] == ["态度"]
    await desk.read(ledger())
    hidden = await desk.client.get("/api/v1/work-orders", headers=desk.li_na)
    assert hidden.json()["items"] == []


async def test_another_system_opens_one_about_a_call(desk: Desk) -> None:
    await desk.read(ledger())
    crm = await as_api_key(desk.database, Role.INTEGRATION)
    body = {"kind": "task", "call_id": CALL, "request": "寄报告"}
    opened = await desk.client.post("/api/v1/work-orders", headers=crm, json=body)
    assert (opened.status_code, opened.json()["queue_name"], opened.json()["caller_number"]) == (
        *(201, "consultation"),
        E164,
    )
    nowhere = await desk.client.post("/api/v1/work-orders", headers=crm, json=body | {"call_id": "pbx1-9.9"})
    assert nowhere.status_code == 404
    agents = await desk.client.post("/api/v1/work-orders", headers=desk.li_na, json=body)
    assert agents.status_code == 403
