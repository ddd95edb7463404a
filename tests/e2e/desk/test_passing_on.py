"""An agent asks outside, presses keys there, and passes the caller on: proved by what each telephone hears."""

from collections.abc import Callable

import pytest

from callcenter.core.config import Settings
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.desk.test_call_control import Desk, legs_of
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent
from tests.e2e.queues.conftest import led_straight
from tests.support.rtp_ear import Ear, listening

PATIENT, OUTSIDE = PATIENTS[0], PATIENTS[1]
PATIENT_HZ, AGENT_HZ, OTHER_HZ = 1_000, 400, 667
FIRST, COMPLAINTS = agent("1001"), agent("1003")
STAY = [StayUntilHangUp(60)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The hotline leads straight into the queue: the way there is others' matter."""
    return led_straight(settings, "consultation")


class Telephones:
    """Who hears whom."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear

    async def hears(self, phone: Phone, hz: int) -> None:
        await self._becomes(f"{phone.name} hears {hz} Hz", lambda: self._ear.hears(phone.media_port, hz))

    async def hears_no(self, phone: Phone, hz: int) -> None:
        await self._becomes(f"{phone.name} hears no {hz} Hz", lambda: self._ear.hears_no(phone.media_port, hz))

    async def hears_keys(self, phone: Phone, keys: str) -> None:
        await self._becomes(f"{phone.name} hears {keys}", lambda: self._ear.keys(phone.media_port) == keys)

    async def _becomes(self, what: str, look: Callable[[], bool]) -> None:
        async def ask() -> bool:
            return look()

        await until(what, ask)


async def talking(hotline: Hotline, heard: Telephones) -> tuple[Desk, Phone, Phone]:
    """The agent's page, their telephone and the patient's."""
    service = await hotline.stack.start_service()
    telephone = await hotline.phones.plug_in(
        FIRST.seat, hotline.seat_passwords[FIRST.seat], STAY, ring_seconds=0.2, calls=None, tone_hz=AGENT_HZ
    )
    await hotline.agent_available(FIRST)
    await hotline.observer.agent_takes_calls(FIRST)
    desk = Desk(hotline, await hotline.api(service, FIRST.username, AGENT_PASSWORD), FIRST.number)
    patient = await hotline.phones.call(
        PATIENT.number, HOTLINE, [Wait(20), HangUp()], tone_hz=PATIENT_HZ, name="patient"
    )
    await desk.call_is("talking")
    await heard.hears(telephone, PATIENT_HZ)
    return desk, telephone, patient


async def test_asked_outside_keys_pressed_and_connected(hotline: Hotline) -> None:
    """The patient hears nothing of it; then both outsiders talk, and the agent is out."""
    with listening() as ear:
        heard = Telephones(ear)
        desk, telephone, patient = await talking(hotline, heard)
        outside = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, STAY, tone_hz=OTHER_HZ)
        await desk.does("call/consult", kind="number", to=OUTSIDE.number)
        await desk.call_is("consulting")
        await heard.hears(telephone, OTHER_HZ)
        await heard.hears(outside, AGENT_HZ)
        await heard.hears_no(patient, AGENT_HZ)
        await desk.does("call/keypad", keys="5#9")
        await heard.hears_keys(outside, "5#9")
        assert ear.keys(patient.media_port) == ""
        await desk.does("call/complete-transfer")
        await desk.is_idle()
        await heard.hears(patient, OTHER_HZ)
        await heard.hears(outside, PATIENT_HZ)
        await patient.done()
    await hotline.no_calls_left()
    call = await hotline.finished_call(PATIENT.e164)
    assert (call.direction, call.outcome, call.agent_number) == ("inbound", "answered", "1001")
    assert len(await hotline.calls()) == 1, "one call, with all its legs"


async def test_passed_on_to_a_number(hotline: Hotline) -> None:
    """Blind: whoever answers outside has the patient; a number that is not dialled never had them."""
    with listening() as ear:
        heard = Telephones(ear)
        desk, telephone, patient = await talking(hotline, heard)
        refused = await desk.ask("call/transfer", kind="number", to="+12125550123")
        assert (refused.status_code, refused.json()["code"]) == (422, "number-not-dialled")
        await heard.hears(telephone, PATIENT_HZ)
        outside = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, STAY, tone_hz=OTHER_HZ)
        await desk.does("call/transfer", kind="number", to=OUTSIDE.number)
        await desk.is_idle()
        await heard.hears(patient, OTHER_HZ)
        await heard.hears(outside, PATIENT_HZ)
        await patient.done()
        await outside.done(20)
    await hotline.no_calls_left()
    call = await hotline.finished_call(PATIENT.e164)
    assert (call.outcome, call.agent_number) == ("answered", "1001")


async def test_asked_whoever_a_queue_gives(hotline: Hotline) -> None:
    """A colleague of the complaint line is asked, and gets the patient."""
    with listening() as ear:
        heard = Telephones(ear)
        desk, telephone, patient = await talking(hotline, heard)
        colleague = await hotline.phones.plug_in(
            COMPLAINTS.seat,
            hotline.seat_passwords[COMPLAINTS.seat],
            STAY,
            ring_seconds=0.2,
            calls=None,
            tone_hz=OTHER_HZ,
        )
        await hotline.agent_available(COMPLAINTS)
        await hotline.observer.agent_takes_calls(COMPLAINTS)
        await desk.does("call/consult", kind="queue", to="complaint")
        await heard.hears(telephone, OTHER_HZ)
        await desk.does("call/complete-transfer")
        await desk.is_idle()
        await heard.hears(patient, OTHER_HZ)
        await heard.hears(colleague, PATIENT_HZ)
        await patient.done()
    await hotline.no_calls_left()
    call = await hotline.finished_call(PATIENT.e164)
    assert (call.outcome, call.agent_number) == ("answered", "1003")
    assert [one for one in await legs_of(hotline, call) if one[1]] == [("agent", "1001"), ("agent", "1003")]
