"""A flow is edited while calls are in it: each call ends on the revision it began with, whichever process goes on."""

from sqlalchemy import func, select

from callcenter.ivr.models import FlowRevision
from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent

FLOW = """\
flow: main
entry: ["8000"]
start: person
steps:
  person:
    queue: consultation
    max_wait_seconds: 120
    outcomes: {answered: END, overflowed: END, key: END}
  END: {say: goodbye, next: bye}
  bye: {hangup: true}
"""
EARLY, LATE = PATIENTS[0], PATIENTS[1]


async def test_a_running_call_ends_on_its_revision_also_in_another_process(hotline: Hotline) -> None:
    flows_dir = hotline.settings.state_dir / "flows"
    flows_dir.mkdir()
    hotline.settings.flows_dir = flows_dir
    file = flows_dir / "main.yaml"
    file.write_text(FLOW.replace("END", "old_end"))
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.ENGINE])
    first_ivr = await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    await hotline.agent_sits_down(agent("1001"), [Wait(1), HangUp()])
    await hotline.agent_pauses(agent("1001"))
    await hotline.observer.agent_is_paused(agent("1001"))
    early = await hotline.call(EARLY, HOTLINE, [StayUntilHangUp(60)])
    await hotline.observer.waiting("consultation", 1)

    file.write_text(FLOW.replace("END", "new_end"))
    late = await hotline.call(LATE, HOTLINE, [StayUntilHangUp(60)])
    await hotline.observer.waiting("consultation", 2)

    async def both_revisions_are_kept() -> bool:
        async with hotline.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(FlowRevision)) == 2

    await until("both revisions in the database", both_revisions_are_kept)
    await first_ivr.kill()
    await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    await hotline.agent_available(agent("1001"))
    await early.done(60)
    await late.done(60)

    early_call, late_call = [await hotline.finished_call(patient.e164) for patient in (EARLY, LATE)]
    assert await hotline.steps(early_call) == ["person:answered", "old_end:next", "bye:hangup"]
    assert await hotline.steps(late_call) == ["person:answered", "new_end:next", "bye:hangup"]
    assert early_call.flow_revision != late_call.flow_revision
