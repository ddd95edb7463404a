"""The configuration follows the database while calls go on."""

import asyncio

from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent


async def test_new_queue_seat_and_number_work_at_once_and_no_call_is_dropped(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    admin = await hotline.api(service)
    await hotline.agent_sits_down(agent("1001"), [Wait(10), HangUp()])
    talking = await hotline.ask_for_a_person(PATIENTS[0], [StayUntilHangUp(60)])
    await hotline.observer.talking(1)
    waiting = await hotline.ask_for_a_person(PATIENTS[1], [StayUntilHangUp(60)])
    await hotline.observer.waiting("consultation", 1)

    queue = {"label_zh": "体检", "label_en": "Check-up", "wrap_up_seconds": 0}
    (await admin.put("/api/v1/queues/checkup", json=queue)).raise_for_status()
    did = {"label_zh": "体检热线", "label_en": "Check-up line", "fallback_queue": "checkup"}
    (await admin.put("/api/v1/dids/8005", json=did)).raise_for_status()
    seat = await admin.post("/api/v1/seats", json={"name": "seat-birch", "label": "新座席"})
    seat.raise_for_status()
    (await admin.put("/api/v1/queues/checkup/members/1002", json={})).raise_for_status()

    async def asterisk_knows() -> bool:
        cli = hotline.stack.pbx.cli
        queues = await asyncio.to_thread(cli, "queue show checkup")
        endpoints = await asyncio.to_thread(cli, "pjsip show endpoints")
        numbers = await asyncio.to_thread(cli, "dialplan show inbound")
        return "checkup has" in queues and "seat-birch" in endpoints and "'8005'" in numbers

    await until("Asterisk knows queue, seat and number", asterisk_knows)

    # a telephone registers at the new seat with its password, and the new number leads there
    await hotline.phones.plug_in("seat-birch", seat.json()["sip_password"], [Wait(2), HangUp()], ring_seconds=0.5)
    await hotline.observer.telephone_is_there("seat-birch")
    colleague = await hotline.api(service, "agent1002", "agent of this test")
    state = {"wanted": "available", "seat": "seat-birch"}
    (await colleague.put("/api/v1/agents/me/state", json=state)).raise_for_status()
    await hotline.phones.call(PATIENTS[2].number, "8005", [StayUntilHangUp(40)])
    newcomer = await hotline.finished_call(PATIENTS[2].e164, timeout_seconds=40)
    assert (newcomer.outcome, newcomer.agent_number) == ("answered", "1002")

    for caller in (talking, waiting):
        await caller.done(90)
    for patient in PATIENTS[:2]:
        assert (await hotline.finished_call(patient.e164)).outcome == "answered"
