"""The agent reads who calls while the telephone still rings, writes what it was about, and takes the next at once."""

from typing import Any

import httpx

from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Step, Wait
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

VIP = next(patient for patient in PATIENTS if patient.vip_grade == "gold")
OTHER = PATIENTS[0]
LI_NA = agent("1001")
LONG_WRAP_UP_SECONDS = 90
FIELDS = [{"key": "solved", "kind": "yes_no", "label_zh": "是否解决", "label_en": "Solved", "required": True}]


async def ringing(client: httpx.AsyncClient, *, but: str = "") -> str:
    """The id of the call that rings at the agent's telephone."""

    async def look() -> str | None:
        state = (await client.get("/api/v1/agents/me")).json()
        is_new = state["activity"] == "ringing" and state["activity_call_id"] != but
        return str(state["activity_call_id"]) if is_new else None

    found = await until("the agent's telephone rings", look, timeout_seconds=40)
    assert found is not None
    return found


async def pop_with_way(client: httpx.AsyncClient, call_id: str) -> dict[str, Any]:
    """As soon as the ledger was read; before that the pop is there without the way."""

    async def look() -> dict[str, Any] | None:
        answer = await client.get(f"/api/v1/agents/me/calls/{call_id}/pop")
        assert answer.status_code == 200, answer.text
        pop: dict[str, Any] = answer.json()
        return pop if pop["way_known"] and pop["queue"] else None

    found = await until("the way is known", look)
    assert found is not None
    return found


async def test_who_calls_is_read_while_it_rings(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    admin = await hotline.api(service)
    li_na = await hotline.api(service, LI_NA.username, AGENT_PASSWORD)
    queues = {queue["name"]: queue for queue in (await admin.get("/api/v1/queues")).json()}
    for name in ("vip", "consultation"):
        body = {key: value for key, value in queues[name].items() if key != "name"}
        changed = await admin.put(f"/api/v1/queues/{name}", json=body | {"wrap_up_seconds": LONG_WRAP_UP_SECONDS})
        changed.raise_for_status()
        (await admin.put(f"/api/v1/queues/{name}/disposition-form", json={"fields": FIELDS})).raise_for_status()
    await hotline.agent_sits_down(LI_NA, [Wait(2), HangUp()], ring_seconds=6.0)

    code: list[Step] = [Wait(hotline.seconds("greeting_known") + 1.0), Press(f"{VIP.check_code}#"), StayUntilHangUp()]
    await hotline.call(VIP, HOTLINE, code)
    first = await ringing(li_na)
    pop = await pop_with_way(li_na, first)
    still = (await li_na.get("/api/v1/agents/me")).json()
    assert (still["activity"], still["activity_call_id"]) == ("ringing", first), "it was complete while it rang"

    assert (pop["stage"], pop["verified"], pop["vip_grade"], pop["queue"]["name"]) == ("ringing", True, "gold", "vip")
    assert (pop["caller_masked"], pop["dialled_number"]) == (f"+86{VIP.number[:3]}****{VIP.number[-4:]}", HOTLINE)
    assert ("code", "verified") in {(step["step"], step["outcome"]) for step in pop["way"]}
    patient = pop["patient"]
    assert (patient["name"], patient["revealed"], patient["vip_label_zh"]) == (VIP.name, True, "金卡")
    assert patient["responsible_doctor"]["name_zh"]
    assert len(patient["visits"]) == len(patient["appointments"]) == 1
    assert pop["wait_seconds"] >= 0
    assert pop["disposition_form"]["fields"][0]["label_zh"] == "是否解决"

    await hotline.ask_for_a_person(OTHER, [StayUntilHangUp()])

    async def in_wrap_up() -> bool:
        return bool((await li_na.get("/api/v1/agents/me")).json()["activity"] == "wrap_up")

    await until("wrap-up begins", in_wrap_up, timeout_seconds=30)
    given = {"queue": "vip", "form_version": pop["disposition_form"]["version"], "answers": {"solved": True}}
    saved = await li_na.put(f"/api/v1/agents/me/calls/{first}/disposition", json=given)
    assert saved.status_code == 200, saved.text
    (await li_na.post("/api/v1/agents/me/wrap-up/end")).raise_for_status()

    second = await ringing(li_na, but=first)
    pop = await pop_with_way(li_na, second)
    assert (pop["verified"], pop["patient"]["revealed"], pop["patient"]["name"]) == (False, False, "张*")
    assert OTHER.name == "张伟"
    assert [(step["step"], step["text_zh"]) for step in pop["way"]][-1] == ("menu", "人工服务")
    reveal = {"patient_id": pop["patient"]["id"], "reason": "asked_on_the_call"}
    seen = await li_na.post(f"/api/v1/agents/me/calls/{second}/reveal", json=reveal)
    assert (seen.json()["patient"]["name"], seen.json()["stage"]) == (OTHER.name, "ringing")
