"""A telephone dies without a word: its owner's caller is helped by others, and it serves again when it is back."""

import asyncio

import pytest

from callcenter.agents import queries as agent_queries
from callcenter.agents.models import Activity
from callcenter.core.config import Settings
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.faults.scene import Scene
from tests.e2e.hotline import Hotline, agent

LI_NA, WANG_QIANG = agent("1001"), agent("1002")
SILENCE_SECONDS = 5
QUALIFIED_WITHIN_SECONDS = 20.0
"""Asterisk asks every three seconds and waits two for the answer."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A leg that says nothing is ended soon."""
    return settings.model_copy(update={"rtp_timeout_seconds": SILENCE_SECONDS})


async def test_dies_while_it_rings_and_comes_back(hotline: Hotline) -> None:
    """The next agent takes the caller; the supervisor sees that a telephone is away; back, it needs no new log-in."""
    await hotline.stack.start_service()
    phone = await hotline.agent_sits_down(LI_NA, [Wait(3), HangUp()], ring_seconds=60)
    scene = Scene(hotline)
    await scene.asks_for_a_person(PATIENTS[0])
    await until("1001 rings", lambda: does(hotline, "1001", Activity.RINGING), timeout_seconds=40)
    await phone.unplug()
    await hotline.agent_sits_down(WANG_QIANG, [Wait(3), HangUp()])
    await scene.nothing_was_lost()
    (visit,) = await scene.visits(await scene.call_of(PATIENTS[0]))
    assert visit.agent_number == "1002"

    await is_away(hotline, LI_NA.seat)
    (alarm,) = await until(
        "the supervisor is told", lambda: scene.alarms("seat_away"), timeout_seconds=QUALIFIED_WITHIN_SECONDS
    )
    assert (alarm.key, alarm.details["agent"]) == (LI_NA.seat, "1001")

    await hotline.agent_pauses(WANG_QIANG)
    await hotline.phones.plug_in(LI_NA.seat, hotline.seat_passwords[LI_NA.seat], [Wait(3), HangUp()], ring_seconds=0.5)
    await until("the telephone is back", lambda: is_registered(hotline, LI_NA.seat))
    await scene.asks_for_a_person(PATIENTS[1])
    await scene.nothing_was_lost()
    (visit,) = await scene.visits(await scene.call_of(PATIENTS[1]))
    assert visit.agent_number == "1001"
    assert len(await scene.alarms("seat_away")) == 1


async def test_dies_in_a_conversation(hotline: Hotline) -> None:
    """The agent's leg ends by silence, the caller goes on in the flow as after every conversation."""
    await hotline.stack.start_service()
    phone = await hotline.agent_sits_down(LI_NA, [StayUntilHangUp(600)])
    scene = Scene(hotline)
    await scene.asks_for_a_person(PATIENTS[0])
    await hotline.observer.talking(1)
    await phone.unplug()
    await scene.nothing_was_lost()
    call = await scene.call_of(PATIENTS[0])
    steps = await hotline.steps(call)
    queued = next(place for place, step in enumerate(steps) if step.endswith(":answered"))
    assert steps[queued + 1 :], "the flow did not go on after the queue"
    assert await does(hotline, "1001", Activity.IDLE) or await does(hotline, "1001", Activity.WRAP_UP)
    await is_away(hotline, LI_NA.seat)


async def test_dies_while_idle_and_a_caller_dies_talking(hotline: Hotline) -> None:
    """An idle telephone that is gone is offered nothing more; an agent whose caller is gone is free soon."""
    await hotline.stack.start_service()
    gone = await hotline.agent_sits_down(LI_NA, [Wait(3), HangUp()])
    await hotline.agent_sits_down(WANG_QIANG, [StayUntilHangUp(600)])
    await gone.unplug()
    await is_away(hotline, LI_NA.seat)
    caller = await hotline.ask_for_a_person(PATIENTS[0], [StayUntilHangUp(600)])
    await until("1002 talks", lambda: does(hotline, "1002", Activity.ON_CALL), timeout_seconds=40)
    await caller.unplug()
    await until("1002 is free", lambda: does(hotline, "1002", Activity.IDLE), timeout_seconds=6 * SILENCE_SECONDS)
    call = await hotline.finished_call(PATIENTS[0].e164)
    (visit,) = await hotline.visits(call)
    assert (call.state, call.outcome, visit.agent_number) == ("finished", "answered", "1002")
    offered = await asyncio.to_thread(hotline.settings.queue_log_file.read_text)
    assert "RINGNOANSWER" not in offered, "the telephone that was gone was rung"
    await Scene(hotline).states_agree()


async def does(hotline: Hotline, number: str, activity: Activity) -> bool:
    async with hotline.database.transaction() as session:
        row = await agent_queries.find_agent(session, number=number)
        return row is not None and row.activity == activity


async def is_registered(hotline: Hotline, seat: str) -> bool:
    async with hotline.database.transaction() as session:
        return any(one.name == seat and one.registered for one in await agent_queries.list_seats(session))


async def is_away(hotline: Hotline, seat: str) -> None:
    async def look() -> bool:
        return not await is_registered(hotline, seat)

    await until(f"{seat} is known to be away", look, timeout_seconds=QUALIFIED_WITHIN_SECONDS)
