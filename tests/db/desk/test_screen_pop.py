"""The screen pop: complete before anybody answers, masked until it may be seen, nobody else's."""

from typing import Any

import pytest
from sqlalchemy import text

from callcenter.accounts.models import Role
from callcenter.agents.models import Activity
from callcenter.core.clock import now
from callcenter.core.ids import new_id
from callcenter.workorders.models import WorkOrder
from tests.db.desk.scene import CALL, E164, OTHER_CALL, TALKED, Desk, given_patient, ledger
from tests.support.api import as_api_key, as_role, declared_roles
from tests.support.ledger_tables import table
from tests.support.people import asker

HEALTH = ("高血压复诊", "心内科", "周建国")
NAME = "欧阳明"


async def test_it_is_there_before_the_ledger_is_read(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session, vip_grade="gold")
    await desk.rings()
    pop = await desk.pop()
    assert (pop["stage"], pop["caller_masked"], pop["way_known"]) == ("ringing", "+86138****0001", False)
    assert pop["queue"] == {"name": "consultation", "label_zh": "咨询", "label_en": "consultation"}
    assert 29 < pop["wait_seconds"] < 90
    assert (pop["verified"], pop["vip_grade"]) == (False, "gold")
    patient = pop["patient"]
    assert (patient["id"], patient["name"], patient["revealed"]) == (str(patient_id), "欧*明", False)
    assert (patient["vip_label_zh"], patient["vip_benefits"]) == ("金卡", ["advice"])


async def test_then_with_the_way_through_the_menu(desk: Desk) -> None:
    await desk.rings()
    await desk.read(ledger(grade="gold", only_ringing=True))
    pop = await desk.pop()
    assert pop["way_known"] is True
    assert [(step["step"], step["text_zh"], step["text_en"]) for step in pop["way"]] == [
        ("who", "号码已登记", "The number is known"),
        ("menu", "人工服务", "Human service"),
    ]
    assert (pop["dialled_number"], pop["language"], pop["vip_grade"]) == ("8000", "zh", "gold")
    assert pop["queue"]["name"] == "consultation"
    assert pop["wait_seconds"] > 0
    assert pop["candidates"] == []
    assert pop["patient"] is None


async def test_nothing_of_health_or_identity_until_a_reason_is_stated(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session)
        session.add(order(patient_id))
    await desk.rings()
    masked = await desk.ask("GET", "pop")
    assert [word for word in (*HEALTH, NAME, "投诉医生", E164, "1950") if word in masked.text] == []
    patient = masked.json()["patient"]
    assert {name: patient[name] for name in ("sex", "age", "birth_date", "responsible_doctor", "external_id")} == (
        dict.fromkeys(("sex", "age", "birth_date", "responsible_doctor", "external_id"))
    )
    assert (len(patient["visits"]), len(patient["appointments"]), patient["has_responsible_doctor"]) == (1, 1, True)
    assert [one["number"] for one in masked.json()["work_orders"]] == [1001]

    wrong = await desk.ask("POST", "reveal", {"patient_id": str(patient_id), "reason": "curiosity"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown-reveal-reason")
    seen = await desk.ask("POST", "reveal", {"patient_id": str(patient_id), "reason": "asked_on_the_call"})
    assert [word for word in (*HEALTH, NAME, "投诉医生") if word not in seen.text] == []
    assert (seen.json()["patient"]["sex"], seen.json()["patient"]["age"] >= 75) == ("female", True)
    assert (await desk.pop())["patient"]["revealed"] is True, "remembered for this call"
    (entry,) = await desk.audited("patients.reveal")
    assert (entry.patient_id, entry.subject_id, entry.details) == (patient_id, CALL, {"reason": "asked_on_the_call"})
    looks = await desk.audited("patients.read")
    assert [(look.patient_id, look.subject_id, look.details["revealed"]) for look in looks] == [
        (patient_id, CALL, False),
        (patient_id, CALL, True),
        (patient_id, CALL, True),
    ]


async def test_a_reason_counts_for_this_call_and_agent_only(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session)
    await desk.rings()
    await desk.ask("POST", "reveal", {"patient_id": str(patient_id), "reason": "emergency"})
    other = await asker(desk.database, Role.AGENT, agent="1002", queues=("consultation",))
    await desk.does(Activity.ON_CALL, CALL, number="1002")
    assert (await desk.pop(by=other))["patient"]["revealed"] is False
    await desk.rings(OTHER_CALL)
    assert (await desk.pop(call=OTHER_CALL))["patient"]["revealed"] is False


async def test_who_entered_the_check_code_is_seen_at_once(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        caller = await given_patient(session, "张伟")
        relative = await given_patient(session, NAME, relation="family")
    await desk.rings()
    await desk.read(ledger(patient=caller, verified=True, only_ringing=True))
    pop = await desk.pop()
    assert (pop["verified"], pop["patient"]["name"], pop["patient"]["visits"][0]["summary"]) == (
        True,
        "张伟",
        HEALTH[0],
    )
    chosen = await desk.ask("POST", "patient", {"patient_id": str(relative)})
    assert (chosen.json()["patient"]["id"], chosen.json()["patient"]["revealed"]) == (str(relative), False)


async def test_of_several_one_is_chosen(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        first = await given_patient(session, "张伟", vip_grade="gold")
        second = await given_patient(session, NAME, relation="family")
        stranger = await given_patient(session, "王芳", numbers=())
    await desk.rings()
    pop = await desk.pop()
    assert pop["patient"] is None
    assert [(one["id"], one["name_masked"], one["relation"], one["vip_grade"]) for one in pop["candidates"]] == [
        (str(first), "张*", "self", "gold"),
        (str(second), "欧*明", "family", None),
    ]
    assert {entry.patient_id for entry in await desk.audited("patients.list")} == {first, second}
    refused = await desk.ask("POST", "reveal", {"patient_id": str(stranger), "reason": "emergency"})
    assert (refused.status_code, refused.json()["code"]) == (409, "patient-not-of-call")
    chosen = (await desk.ask("POST", "patient", {"patient_id": str(stranger)})).json()
    assert (chosen["patient"]["id"], chosen["patient"]["revealed"]) == (str(stranger), False)
    assert chosen["chosen_by"].startswith("user-")
    seen = await desk.ask("POST", "reveal", {"patient_id": str(stranger), "reason": "emergency"})
    assert seen.json()["patient"]["name"] == "王芳"
    nobody = await desk.ask("POST", "patient", {"patient_id": str(new_id())})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "patient-not-found")


async def test_it_is_of_the_agent_whose_call_it_is(desk: Desk) -> None:
    other = await asker(desk.database, Role.AGENT, agent="1002", queues=("consultation",))
    assert (await desk.ask("GET", "pop")).status_code == 404, "nobody's telephone rings"
    await desk.rings()
    for method, path, body in (
        ("GET", "pop", None),
        ("POST", "reveal", {"patient_id": str(new_id()), "reason": "emergency"}),
        ("POST", "patient", {"patient_id": str(new_id())}),
        ("PUT", "note", {"text": "x", "version": 0}),
    ):
        answer = await desk.ask(method, path, body, by=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "call-not-found"), path
    await desk.does(Activity.IDLE)
    assert (await desk.ask("GET", "pop")).status_code == 404, "it rang, and was not answered"


async def test_after_the_conversation_too_and_by_the_record_alone(desk: Desk) -> None:
    await desk.does(Activity.ON_CALL, CALL)
    await desk.does(Activity.WRAP_UP, wrap_up_seconds=20)
    assert (await desk.pop())["stage"] == "ended", "the ledger is not read yet"
    await desk.read(ledger())
    async with desk.database.transaction() as session:
        await session.execute(text("DELETE FROM agent_state_changes"))
        await session.execute(text("DELETE FROM ledger_events_by_month"))
    pop = await desk.pop()
    assert (pop["stage"], pop["caller_masked"], pop["wait_seconds"]) == ("ended", "+86138****0001", 5.0)
    assert [step["step"] for step in pop["way"]] == ["who", "menu"]


async def test_who_is_complained_of_sees_nothing_of_it(desk: Desk) -> None:
    await desk.does(Activity.ON_CALL, CALL)
    complaint = """
        9.05 CC_RECORD    PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=complaint:day=20260105
        9.06 CC_COMPLAINT PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient=:agent=1001
    """
    lines = (
        TALKED.format(patient="", grade="", verified=0).replace("-- rings", "").replace("{{", "{").replace("}}", "}")
    )
    before, end = lines.split("    9.1 HANGUP")
    await desk.read(table(before))
    assert (await desk.ask("GET", "pop")).status_code == 200
    await desk.read(table(complaint + "    9.1 HANGUP" + end))
    assert (await desk.ask("GET", "pop")).status_code == 404


async def test_what_was_written_on_earlier_calls(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session)
    await desk.does(Activity.ON_CALL, CALL)
    await desk.read(ledger(patient=patient_id))
    await desk.ask("PUT", "note", {"text": "要改约", "version": 0})
    await desk.rings(OTHER_CALL)
    (before,) = (await desk.pop(call=OTHER_CALL))["previous_calls"]
    assert (before["id"], before["queue_name"], before["agent_number"], before["note"]) == (
        *(CALL, "consultation", "1001"),
        None,
    )
    reveal = {"patient_id": str(patient_id), "reason": "emergency"}
    (before,) = (await desk.ask("POST", "reveal", reveal, call=OTHER_CALL)).json()["previous_calls"]
    assert before["note"] == "要改约"


async def test_reasons_are_data(desk: Desk) -> None:
    shipped = (await desk.client.get("/api/v1/reveal-reasons", headers=desk.li_na)).json()
    assert {"asked_on_the_call", "emergency"} <= {one["code"] for one in shipped}
    admin = await as_role(desk.database, Role.ADMIN)
    body: dict[str, Any] = {"label_zh": "抽查", "label_en": "Spot check", "active": True}
    for code, active in (("spot_check", True), ("emergency", False)):
        put = await desk.client.put(f"/api/v1/reveal-reasons/{code}", headers=admin, json=body | {"active": active})
        assert put.status_code == 200
    await desk.rings()
    offered = {one["code"] for one in (await desk.pop())["reveal_reasons"]}
    assert offered == {one["code"] for one in shipped} - {"emergency"} | {"spot_check"}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.INTEGRATION])
async def test_a_programme_has_no_calls_of_its_own(desk: Desk, role: Role) -> None:
    await desk.rings()
    answer = await desk.ask("GET", "pop", by=await as_api_key(desk.database, role))
    assert answer.status_code in (403, 404)


async def test_who_may_do_what(desk: Desk) -> None:
    agents = ["admin", "agent", "expert"]
    roles = await declared_roles(desk.client, "desk_")
    assert {
        name: roles[name]
        for name in (
            "desk_get_screen_pop",
            "desk_choose_patient",
            "desk_reveal_patient",
            "desk_put_own_note",
            "desk_put_own_disposition",
        )
    } == dict.fromkeys(
        (
            "desk_get_screen_pop",
            "desk_choose_patient",
            "desk_reveal_patient",
            "desk_put_own_note",
            "desk_put_own_disposition",
        ),
        agents,
    )
    assert roles["desk_put_reveal_reason"] == roles["desk_put_disposition_form"] == ["admin"]
    assert (
        roles["desk_get_call_records"]
        == roles["desk_list_dispositions"]
        == [*("admin", "integration", "quality", "supervisor")]
    )


def order(patient_id: Any) -> WorkOrder:
    at = now()
    return WorkOrder(
        kind="task",
        state="open",
        call_id="pbx1-9.9",
        queue_name="consultation",
        patient_id=patient_id,
        request="投诉医生",
        opened_at=at,
        due_at=at,
    )
