"""A lower penalty is rung first; outside its hours a queue takes nobody."""

from callcenter.calendar.models import Schedule
from demo.hospital import HOTLINE, PATIENTS
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import pause, put_member, put_queue, serve_only

FIRST, SECOND, LATE = PATIENTS[:3]


async def test_skill_by_penalty_and_a_closed_queue(hotline: Hotline) -> None:
    await hotline.stack.start_service()
    await put_queue(hotline, "consultation", wrap_up_seconds=0, last_agent_first=False)
    helps = await serve_only(hotline, agent("1001"), "consultation")
    knows = await serve_only(hotline, agent("1002"), "consultation")
    await put_member(hotline, helps, "consultation", 5)
    for one in (helps, knows):
        await hotline.agent_sits_down(one, [Wait(1), HangUp()])
    served = []
    for patient in (FIRST, SECOND):
        await (await hotline.call(patient, HOTLINE, [StayUntilHangUp(40)])).done(60)
        served.append((await hotline.finished_call(patient.e164)).agent_number)
        await pause(hotline, knows)  # the second call goes to who helps out
    assert served == ["1002", "1001"]

    async with hotline.database.transaction() as session:
        session.add(Schedule(name="never", label_zh="从不", label_en="Never", makeup_weekday=1))
    await put_queue(hotline, "consultation", schedule_name="never")
    await (await hotline.call(LATE, HOTLINE, [StayUntilHangUp(40)])).done(60)
    call = await hotline.finished_call(LATE.e164)
    assert list(await hotline.visits(call)) == [], "nobody was offered"
    assert await hotline.steps(call) == ["waits:closed", "closed:next", "bye:hangup"]
