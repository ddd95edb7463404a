"""A waiting caller presses a key: while music plays, and while an agent's phone rings."""

from demo.hospital import HOTLINE, PATIENTS
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import pause, put_queue, serve_only

WAITING, RINGING = PATIENTS[:2]


async def test_keys_while_waiting_and_while_a_phone_rings(hotline: Hotline) -> None:
    """Each visit is counted once; a digit with a way of its own goes there, another to ``key``."""
    await hotline.stack.start_service()
    await put_queue(hotline, "consultation", exit_keys="12")
    serves = await serve_only(hotline, agent("1001"), "consultation")
    await hotline.agent_sits_down(serves, [Wait(3), HangUp()], ring_seconds=30)
    await pause(hotline, serves)
    waits = await hotline.call(WAITING, HOTLINE, [Wait(2), Press("7"), Wait(1), Press("1"), StayUntilHangUp(30)])
    await waits.done(60)
    await hotline.agent_available(serves)
    await hotline.observer.agent_takes_calls(serves)
    rings = await hotline.call(RINGING, HOTLINE, [Wait(4), Press("2"), StayUntilHangUp(30)])
    await rings.done(60)

    for patient, step, offers in ((WAITING, "waits:1", 0), (RINGING, "waits:key", 1)):
        call = await hotline.finished_call(patient.e164)
        (visit,) = await hotline.visits(call)
        assert (visit.outcome, visit.reason, visit.offers) == ("overflowed", "key", offers), patient.name
        assert (await hotline.steps(call))[0] == step
        assert call.outcome == "not_served"
