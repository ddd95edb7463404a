"""Asterisk itself dies, stops, freezes or is meddled with: the database is the truth, the ledger says what was lost."""

import asyncio
import os
import signal
from contextlib import suppress

from sqlalchemy import select

from callcenter.agents.models import Activity, Agent
from callcenter.calls.models import Call
from callcenter.core.clock import now
from callcenter.core.errors import Unavailable
from callcenter.queues import service as queues
from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.faults.scene import STATES_AGREE_SECONDS, Scene, callers_everywhere
from tests.e2e.hotline import Hotline, agent

CALLS = 20
FROZEN_SECONDS = 10.0
CORRECTED_WITHIN_SECONDS = 5.0
NEW_NUMBER = "8009"


async def test_killed_with_twenty_calls(hotline: Hotline) -> None:
    """Each call is closed as lost, once, within what is known; one alarm; what was changed meanwhile is there at once.

    Some are in the menu, some wait, one rings, one talks.
    """
    await hotline.stack.start_service()
    scene = await callers_everywhere(hotline, talk_seconds=120, ring_seconds=60)
    crowd = [(patient.number, HOTLINE, 0.5 * place) for place, patient in enumerate(PATIENTS[4:CALLS])]
    phone = await hotline.phones.call_many(crowd, patience_seconds=300)
    await until("twenty calls are in the ledger", lambda: open_calls(hotline, CALLS), timeout_seconds=60)

    await asyncio.to_thread(hotline.stack.pbx.kill)
    killed_at = now()
    await changes_while_it_is_down(hotline)
    await asyncio.to_thread(hotline.stack.pbx.start)
    booted_at = now()
    await scene.states_agree()
    await until(
        "the new number is there", lambda: has_number(hotline, NEW_NUMBER), timeout_seconds=STATES_AGREE_SECONDS
    )

    await until("twenty calls are closed", lambda: lost_calls(hotline, CALLS), timeout_seconds=40)
    calls = await hotline.calls()
    assert len(calls) == CALLS
    for call in calls:
        assert call.ended_at is not None
        assert call.started_at <= call.ended_at <= killed_at < booted_at, call.id
        for visit in await hotline.visits(call):
            assert visit.outcome in ("lost", "answered"), "the one who talked had been answered"
            assert visit.left_at is not None
    assert [call.outcome for call in calls].count("answered") == 1
    (alarm,) = await scene.alarms("node_lost")
    assert (alarm.details["calls"], alarm.severity, alarm.occurrences) == (CALLS, "critical", 1)
    await scene.figures_add_up()
    assert await activities(hotline) == {"1001": Activity.IDLE, "1002": Activity.IDLE, "1003": Activity.IDLE}

    for one in (phone, *scene.callers.values()):
        await one.unplug()
    await again_as_before(hotline)


async def test_stopped_in_order(hotline: Hotline) -> None:
    """It ends by itself after the last call, or at once with all records written: nothing counts as lost."""
    await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"), [Wait(8), HangUp()])
    scene = Scene(hotline)
    await scene.asks_for_a_person(PATIENTS[0])
    await hotline.observer.talking(1)
    stopping = asyncio.create_task(asyncio.to_thread(stop_gracefully, hotline))
    await scene.everybody_is_served()
    await stopping
    await until("it has ended", lambda: asyncio.to_thread(is_down, hotline), timeout_seconds=30)
    await asyncio.to_thread(hotline.stack.pbx.start)
    await scene.states_agree()

    await hotline.observer.agent_takes_calls(agent("1001"))
    cut = await hotline.ask_for_a_person(PATIENTS[1], [StayUntilHangUp(60)])
    await hotline.observer.talking(1)
    await asyncio.to_thread(hotline.stack.pbx.stop)
    await asyncio.to_thread(hotline.stack.pbx.start)
    await cut.done(30)  # told by a BYE
    await scene.states_agree()
    for patient in PATIENTS[:2]:
        call = await hotline.finished_call(patient.e164)
        assert (call.state, call.outcome) == ("finished", "answered"), patient.name
    assert not await scene.alarms("node_lost")
    await scene.figures_add_up()


async def test_frozen_for_ten_seconds(hotline: Hotline) -> None:
    """Calls hear silence and go on; who dials meanwhile is asked what is wanted when it wakes."""
    await hotline.stack.start_service()
    scene = await callers_everywhere(hotline)
    pid = hotline.stack.pbx.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await scene.asks_for_a_person(PATIENTS[10])
    await hotline.agent_available(agent("1003"))
    await asyncio.sleep(FROZEN_SECONDS)  # the freeze itself, not a wait for something
    os.kill(pid, signal.SIGCONT)
    await scene.states_agree()
    await scene.nothing_was_lost()
    assert not await scene.alarms("node_lost")


async def test_members_follow_the_database_whatever_happens_to_asterisks_own(hotline: Hotline) -> None:
    """Somebody at Asterisk's console meddles: a member gone, one paused, one too many."""
    await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"))
    for line in (
        "queue remove member PJSIP/seat-rose from consultation",
        "queue pause member PJSIP/seat-rose queue vip",
        "queue add member PJSIP/seat-maple to vip penalty 0 as agent-1003",
    ):
        await asyncio.to_thread(hotline.stack.pbx.cli, line)
    await Scene(hotline).states_agree()


async def test_an_agent_logs_out_while_no_engine_lives(hotline: Hotline) -> None:
    """The wish is committed while nobody can carry it out; the next engine does."""
    engine = await hotline.stack.start_service([ProcessRole.ENGINE])
    await hotline.agent_sits_down(agent("1001"))
    await engine.kill()
    await hotline.agent_leaves(agent("1001"))
    assert "agent-1001" in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show consultation")
    await hotline.stack.start_service([ProcessRole.ENGINE])

    async def gone() -> bool:
        return "agent-1001" not in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show")

    await until("the member is gone", gone, timeout_seconds=2 * CORRECTED_WITHIN_SECONDS)


# -- what is looked at


async def open_calls(hotline: Hotline, count: int) -> bool:
    return [call.state for call in await hotline.calls()] == ["open"] * count


async def lost_calls(hotline: Hotline, count: int) -> bool:
    async with hotline.database.transaction() as session:
        return len((await session.scalars(select(Call.id).where(Call.state == "node_lost"))).all()) == count


async def changes_while_it_is_down(hotline: Hotline) -> None:
    """An agent pauses, another logs in, the hospital gets one more number."""
    await hotline.agent_pauses(agent("1002"))
    await hotline.agent_available(agent("1003"))
    values: dict[str, object] = {
        "label_zh": "测试",
        "label_en": "test",
        "fallback_queue": "consultation",
        "language": "zh",
    }
    async with hotline.database.transaction() as session:
        await queues.put_did(session, NEW_NUMBER, values, pbx=hotline.settings.pbx_name, cause="test")


async def has_number(hotline: Hotline, number: str) -> bool:
    return f"CC_DID={number}" in await asyncio.to_thread(hotline.stack.pbx.cli, "dialplan show inbound")


async def activities(hotline: Hotline) -> dict[str, str]:
    async with hotline.database.transaction() as session:
        return {row.number: row.activity for row in await session.scalars(select(Agent))}


def is_down(hotline: Hotline) -> bool:
    return not hotline.stack.pbx.status().running


def stop_gracefully(hotline: Hotline) -> None:
    """The console answers only when the last call is over, or is cut off then."""
    with suppress(Unavailable):
        hotline.stack.pbx.cli("core stop gracefully", timeout_seconds=120)


async def again_as_before(hotline: Hotline) -> None:
    """A new caller is served by the agent who never logged in anew."""
    await hotline.phones.plug_in(
        agent("1001").seat, hotline.seat_passwords[agent("1001").seat], [Wait(3), HangUp()], ring_seconds=0.5
    )
    await hotline.observer.agent_takes_calls(agent("1001"))
    caller = await hotline.call(PATIENTS[CALLS], NEW_NUMBER, [StayUntilHangUp(90)])
    await caller.done(90)
    call = await hotline.finished_call(PATIENTS[CALLS].e164)
    assert (call.state, call.outcome) == ("finished", "answered")
