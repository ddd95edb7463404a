"""Nothing of ours stands between a patient and a person: the service absent, killed, frozen."""

import signal

from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent, seconds_between

PATIENT = PATIENTS[0]
NOT_IVR = (ProcessRole.API, ProcessRole.ENGINE)


async def test_without_ivr_a_caller_is_in_the_human_queue_at_once(hotline: Hotline) -> None:
    await hotline.stack.start_service(NOT_IVR)
    await hotline.agent_sits_down(agent("1001"))
    caller = await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(40)])
    await caller.done(60)
    call = await hotline.finished_call(PATIENT.e164)
    (visit,) = await hotline.visits(call)
    assert (call.outcome, call.agent_number) == ("answered", "1001")
    assert (visit.queue_name, visit.outcome) == ("consultation", "answered")
    assert seconds_between(call.started_at, visit.entered_at) < 3


async def test_frozen_ivr_frees_a_new_caller_within_three_seconds(hotline: Hotline) -> None:
    await hotline.stack.start_service(NOT_IVR)
    ivr = await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    await hotline.agent_sits_down(agent("1001"))
    ivr.signal(signal.SIGSTOP)
    caller = await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(40)])
    await caller.done(60)
    call = await hotline.finished_call(PATIENT.e164)
    (visit,) = await hotline.visits(call)
    assert call.outcome == "answered"
    assert seconds_between(call.started_at, visit.entered_at) < 3


async def test_ivr_killed_in_menu_queue_and_talk_drops_nobody(hotline: Hotline) -> None:
    """Three callers at three places of their way when the ivr dies; the engine dies with it and comes back."""
    await hotline.stack.start_service([ProcessRole.API])
    rest = await hotline.stack.start_service(
        [ProcessRole.IVR, ProcessRole.ENGINE], http_port=hotline.settings.trunk_port
    )
    await hotline.agent_sits_down(agent("1001"), [Wait(10), HangUp()])
    # all at once, so that they are at their three places together, long before the first conversation ends
    talking = await hotline.ask_for_a_person(PATIENTS[0], [StayUntilHangUp(60)])
    waiting = await hotline.ask_for_a_person(PATIENTS[1], [StayUntilHangUp(60)])
    in_menu = await hotline.call(PATIENTS[2], HOTLINE, [StayUntilHangUp(80)])
    await hotline.observer.talking(1)
    await hotline.observer.waiting("consultation", 1)
    await hotline.observer.in_step(PATIENTS[2].e164)

    await rest.kill()

    assert await hotline.observer.channels() == 4  # three callers and the agent
    for caller in (talking, waiting, in_menu):
        await caller.done(90)  # each was served to the end, by the dialplan alone
    await hotline.stack.start_service([ProcessRole.IVR, ProcessRole.ENGINE], http_port=hotline.settings.trunk_port)
    for patient in PATIENTS[:3]:
        call = await hotline.finished_call(patient.e164)
        visits = await hotline.visits(call)
        assert (call.outcome, call.agent_number) == ("answered", "1001"), patient.name
        assert [visit.outcome for visit in visits] == ["answered"], patient.name
    assert len(await hotline.calls()) == 3
