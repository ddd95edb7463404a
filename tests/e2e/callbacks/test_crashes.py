"""Whatever dies: no patient is phoned twice, and none is forgotten."""

import asyncio

from sqlalchemy import select

from callcenter.calls.models import LedgerEvent
from callcenter.core.alarms import Alarm
from callcenter.roles import ProcessRole
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Step, Wait
from tests.e2e.callbacks.conftest import Patients
from tests.e2e.hotline import Hotline, agent


async def dials(hotline: Hotline) -> int:
    """How often the dialplan said that it dials, in Asterisk's own file."""
    return (await asyncio.to_thread(hotline.settings.ledger_file.read_text)).count('"userdeftype":"CC_DIAL"')


async def test_engine_killed_between_placing_and_dialling(hotline: Hotline, patients: Patients) -> None:
    """The call-back is answered and talked while no engine lives; the next engine reads that it was, and rests."""
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    engine = await hotline.stack.start_service([ProcessRole.ENGINE], http_port=hotline.settings.trunk_port)
    await patients.nobody_is_free(agent("1001"), [StayUntilHangUp(120)])
    asked = await patients.asks(PATIENTS[0])
    await patients.stand_in_queue(1)
    await engine.kill()

    steps: list[Step] = [Wait(hotline.seconds("callback_greeting") + 2), HangUp()]
    phone = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, steps, calls=1, ring_seconds=0.5)
    await asyncio.to_thread(hotline.stack.pbx.cli, "queue unpause member PJSIP/seat-rose")
    await phone.done(60)
    await hotline.no_calls_left()
    again = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, steps, calls=1)
    await hotline.stack.start_service([ProcessRole.ENGINE], http_port=hotline.settings.trunk_port)
    done = await patients.becomes(PATIENTS[0], "completed")
    assert (done.tries, len(await patients.attempts(asked)), await dials(hotline)) == (1, 1, 1)
    assert again.ringing_or_talking  # it never rang


async def test_asterisk_killed_while_the_patients_telephone_rings(hotline: Hotline, patients: Patients) -> None:
    """Nobody can tell whether the patient was reached: shown, an alarm, and dialled again only by a person's word."""
    service = await hotline.stack.start_service()
    client = await hotline.api(service)
    await patients.nobody_is_free(agent("1001"), [StayUntilHangUp(120)])
    asked = await patients.asks(PATIENTS[0])
    rings = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, [], ring_seconds=300)
    await patients.agent_is_free(agent("1001"))

    async def ringing() -> bool:
        return "180 Ringing" in await asyncio.to_thread(rings.trace)

    await until("the patient's telephone rings", ringing, timeout_seconds=40)
    await asyncio.to_thread(hotline.stack.pbx.kill)
    await asyncio.to_thread(hotline.stack.pbx.start)
    unknown = await patients.becomes(PATIENTS[0], "unknown", timeout_seconds=60)
    assert (unknown.id, unknown.tries) == (asked.id, 1)
    async with hotline.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm).where(Alarm.kind == "callback_unknown"))
        assert alarm.details["callback"] == str(asked.id)
        ended = await session.scalars(select(LedgerEvent).where(LedgerEvent.kind == "CC_DIAL_END"))
        assert not list(ended)
    await rings.unplug()

    await hotline.observer.agent_takes_calls(agent("1001"))  # free, and still not offered
    assert await dials(hotline) == 1
    steps: list[Step] = [Wait(hotline.seconds("callback_greeting") + 2), HangUp()]
    phone = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, steps, ring_seconds=0.5)
    (await client.post(f"/api/v1/callbacks/{asked.id}/retry")).raise_for_status()
    await phone.done(60)
    done = await patients.becomes(PATIENTS[0], "completed")
    assert (done.tries, await dials(hotline)) == (2, 2)


async def test_asterisk_killed_while_it_waits(hotline: Hotline, patients: Patients) -> None:
    """Nobody was dialled: it stands in the queue of the next Asterisk, at its place."""
    await hotline.stack.start_service()
    await patients.nobody_is_free(agent("1001"), [StayUntilHangUp(120)])
    asked = await patients.asks(PATIENTS[0])
    await patients.stand_in_queue(1)
    await asyncio.to_thread(hotline.stack.pbx.kill)
    await asyncio.to_thread(hotline.stack.pbx.start)

    async def placed_again() -> bool:
        return [one.outcome for one in await patients.attempts(asked)] == ["not_placed", None]

    await until("it is placed again", placed_again, timeout_seconds=60)
    await patients.stand_in_queue(1)
    shown = await asyncio.to_thread(hotline.stack.pbx.cli, "queue show consultation")
    assert f"prio: {asked.priority}" in shown
    assert await dials(hotline) == 0
