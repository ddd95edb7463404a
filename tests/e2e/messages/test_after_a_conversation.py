"""What a caller may do after and beside a conversation: mark, remark, complain of the agent, call for help."""

import httpx
from sqlalchemy import select

from callcenter.calls.models import Call, Recording
from callcenter.core.alarms import Alarm
from callcenter.workorders.models import WorkOrder
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

RATER, VIP = PATIENTS[0], PATIENTS[5]


async def test_mark_remark_and_a_complaint_of_the_agent(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"), [Wait(3), HangUp()])
    caller = await hotline.phones.call(
        RATER.number,
        HOTLINE,
        # the agent talks for 3 s; the keys follow into the question for a mark and into that for a remark
        [Wait(1.5), Press("2"), Wait(9), Press("2"), Wait(5), Press("#"), Wait(4), Press("#"), StayUntilHangUp(40)],
        speaks=True,
    )
    await caller.done(90)
    call = await hotline.finished_call(RATER.e164)
    (visit,) = await hotline.visits(call)
    assert (call.agent_number, call.rating, visit.rating) == ("1001", 2, 2), await hotline.steps(call)

    async def remark() -> Recording | None:
        async with hotline.database.transaction() as session:
            found = await session.scalars(select(Recording).where(Recording.purpose == "remark"))
            row = found.one_or_none()
            return row if row and row.measured_at else None

    kept = await until("the remark is measured", remark, timeout_seconds=30)
    assert kept is not None
    assert kept.duration_seconds is not None
    assert kept.duration_seconds > 1.5
    admin = await hotline.api(service)
    assert (await admin.get(f"/api/v1/recordings/{kept.id}/audio")).status_code == 200
    await complains(hotline, admin, await hotline.api(service, "agent1001", AGENT_PASSWORD))


async def complains(hotline: Hotline, admin: httpx.AsyncClient, about: httpx.AsyncClient) -> None:
    """The same caller complains of the agent who served last."""
    again = await hotline.call(RATER, HOTLINE, [Wait(1.5), Press("3"), Wait(3), HangUp()])

    async def order() -> WorkOrder | None:
        # the order is opened at the key, and names the agent once the flow knows who that was
        async with hotline.database.transaction() as session:
            row = (await session.scalars(select(WorkOrder).where(WorkOrder.kind == "complaint"))).one_or_none()
            return row if row and row.about_agent_number else None

    found = await until("the complaint's work order, and whom it is about", order)
    assert found is not None
    assert found.about_agent_number == "1001"
    await again.done(60)
    assert (await about.get("/api/v1/work-orders")).json()["items"] == []
    assert (await about.get(f"/api/v1/work-orders/{found.number}")).status_code == 404
    assert (await admin.get(f"/api/v1/work-orders/{found.number}")).json()["about_agent_number"] == "1001"


async def test_an_emergency_is_an_alarm_while_the_call_goes_on(hotline: Hotline) -> None:
    """A VIP who has proved it is the next to be served, ahead of those who wait already."""
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"), [Wait(25), HangUp()])
    talking = await hotline.call(PATIENTS[0], HOTLINE, [Wait(1.5), Press("2"), StayUntilHangUp(90)])
    await hotline.observer.talking(1)
    waiting = await hotline.call(PATIENTS[6], HOTLINE, [Wait(1.5), Press("4"), Wait(1), Press("#"), Wait(60), HangUp()])
    await hotline.observer.waiting("vip", 1)  # a VIP's number without the code: gains no place
    helped = await hotline.call(
        VIP, HOTLINE, [Wait(1.5), Press("4"), Wait(1), Press(f"{VIP.check_code}#"), StayUntilHangUp(90)]
    )
    await hotline.observer.waiting("vip", 2)

    async def alarms() -> list[Alarm]:
        async with hotline.database.transaction() as session:
            found = list(await session.scalars(select(Alarm).where(Alarm.kind == "emergency").order_by(Alarm.id)))
            return found if len(found) == 2 else []

    forged, proved = await until("both alarms", alarms)
    async with hotline.database.transaction() as session:
        calls = {call.id: call for call in await session.scalars(select(Call))}
    assert [calls[alarm.details["call_id"]].state for alarm in (forged, proved)] == ["open", "open"]
    assert [alarm.details["verified"] for alarm in (forged, proved)] == [False, True]

    await talking.done(120)
    await helped.done(120)
    served = await hotline.finished_call(VIP.e164)
    assert (served.outcome, served.agent_number) == ("answered", "1001")
    (first,) = await hotline.visits(served)
    await waiting.done(90)
    behind = await hotline.finished_call(PATIENTS[6].e164)
    (second,) = await hotline.visits(behind)
    assert first.entered_at > second.entered_at
    assert first.priority - second.priority > 80_000
    assert first.answered_at is not None
    assert second.answered_at is None or first.answered_at < second.answered_at
    api = await hotline.api(service)
    open_alarms = (await api.get("/api/v1/alarms", params={"kind": "emergency", "state": "open"})).json()["items"]
    assert {alarm["details"]["call_id"] for alarm in open_alarms} == {served.id, behind.id}
