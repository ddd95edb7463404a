"""SIGTERM: no new flows, running ones finish, then the end; calls go on in Asterisk."""

import asyncio
import signal

from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent


async def test_running_flow_finishes_and_new_callers_go_to_a_person(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"), [Wait(2), HangUp()])
    in_menu = await hotline.call(
        PATIENTS[0], HOTLINE, [Wait(hotline.seconds("greeting_known") + 2), Press("2"), StayUntilHangUp(60)]
    )
    await hotline.observer.in_step(PATIENTS[0].e164)
    service.signal(signal.SIGTERM)

    async def refuses_new_flows() -> bool:
        try:
            _, writer = await asyncio.open_connection(hotline.settings.fastagi_host, hotline.settings.fastagi_port)
        except (ConnectionRefusedError, ConnectionResetError):  # closed before, or just while we knocked
            return True
        writer.close()
        return False

    await until("no new flows", refuses_new_flows)
    newcomer = await hotline.call(PATIENTS[1], HOTLINE, [StayUntilHangUp(60)])
    assert await asyncio.wait_for(service.process.wait(), 40) == 0
    for caller in (in_menu, newcomer):
        await caller.done(60)

    await hotline.stack.start_service()
    first = await hotline.finished_call(PATIENTS[0].e164)
    second = await hotline.finished_call(PATIENTS[1].e164)
    assert (first.outcome, second.outcome) == ("answered", "answered")
    assert "menu:2" in await hotline.steps(first), "the flow was cut short"
    steps = await hotline.steps(second)
    assert steps
    assert all(step.startswith("fallback:") for step in steps), "a flow was begun after SIGTERM"
