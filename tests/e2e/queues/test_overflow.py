"""What happens to a caller whom nobody answers: the chain of queues, the place kept."""

from callcenter.calls.models import Call
from demo.hospital import COMPLAINT_LINE, EXPERT_LINE, HOTLINE, PATIENTS
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import NEW, lead_to, pause, put_queue, serve_only

TALKS_FIRST, FILLS, OVERFLOWS, LATER = PATIENTS[:4]


async def told(hotline: Hotline, call: Call) -> list[tuple[str, str, str | None]]:
    return [(one.queue_name, one.outcome, one.reason) for one in await hotline.visits(call)]


async def test_a_chain_to_the_third_queue_keeps_the_place(hotline: Hotline) -> None:
    """The wait in the first is over, the second is full; in the third the caller stands before who came later."""
    for number, queue in ((HOTLINE, "first"), (COMPLAINT_LINE, "second"), (EXPERT_LINE, "third")):
        lead_to(hotline.settings, number, queue)
    await hotline.stack.start_service()
    await put_queue(hotline, "third", **NEW)
    await put_queue(hotline, "second", **NEW, capacity=1, overflow_to="third")
    await put_queue(hotline, "first", **NEW, max_wait_seconds=4, overflow_to="second")
    away = await serve_only(hotline, agent("1001"), "first", "second")
    serves = await serve_only(hotline, agent("1002"), "third")
    await hotline.agent_sits_down(away)
    await pause(hotline, away)
    await hotline.agent_sits_down(serves, [Wait(11), HangUp()])

    talks = await hotline.call(TALKS_FIRST, EXPERT_LINE, [StayUntilHangUp(90)])
    await hotline.observer.talking(1)
    fills = await hotline.call(FILLS, COMPLAINT_LINE, [Wait(25), HangUp()])
    await hotline.observer.waiting("second", 1)
    overflows = await hotline.call(OVERFLOWS, HOTLINE, [StayUntilHangUp(90)])
    await hotline.observer.waiting("first", 1)
    await hotline.observer.pause(1.1)  # priority counts whole seconds
    later = await hotline.call(LATER, EXPERT_LINE, [StayUntilHangUp(90)])
    await hotline.observer.waiting("third", 2)

    for caller in (talks, fills, overflows, later):
        await caller.done(90)
    call = await hotline.finished_call(OVERFLOWS.e164)
    assert await told(hotline, call) == [
        ("first", "overflowed", "timeout"),
        ("second", "overflowed", "full"),
        ("third", "answered", "agent_hangup"),
    ]
    visits = await hotline.visits(call)
    assert len({visit.priority for visit in visits}) == 1
    (others,) = await hotline.visits(await hotline.finished_call(LATER.e164))
    assert visits[2].entered_at > others.entered_at
    assert visits[2].answered_at is not None
    assert others.answered_at is not None
    assert visits[2].answered_at < others.answered_at
    assert await hotline.steps(call) == ["waits:answered", "bye:hangup"]


async def test_where_nobody_is_there_the_flow_goes_on_at_once(hotline: Hotline) -> None:
    """No agent logged in; one who is paused for a moment is there. The last one leaves: the caller goes on too."""
    await hotline.stack.start_service()
    caller = await hotline.call(TALKS_FIRST, HOTLINE, [StayUntilHangUp(30)])
    await caller.done(40)
    call = await hotline.finished_call(TALKS_FIRST.e164)
    assert await told(hotline, call) == [("consultation", "overflowed", "nobody_there")]
    assert await hotline.steps(call) == ["waits:overflowed", "sorry:next", "bye:hangup"]

    only = agent("1001")
    await hotline.agent_sits_down(only)
    await pause(hotline, only)
    waits = await hotline.call(FILLS, HOTLINE, [StayUntilHangUp(90)])
    await hotline.observer.waiting("consultation", 1)
    await hotline.agent_leaves(only)
    await waits.done(60)
    call = await hotline.finished_call(FILLS.e164)
    assert await told(hotline, call) == [("consultation", "overflowed", "left_empty")]
