"""State in the database, pushed to Asterisk again after either was away."""

import asyncio

from sqlalchemy import select

from callcenter.core.alarms import Alarm
from callcenter.roles import ProcessRole
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent

CORRECTED_WITHIN_SECONDS = 5.0


async def test_members_follow_the_database_whatever_happens_to_asterisks_own(hotline: Hotline) -> None:
    await hotline.stack.start_service()
    li_na = agent("1001")
    await hotline.agent_sits_down(li_na)
    cli = hotline.stack.pbx.cli
    # somebody at Asterisk's console meddles: a member gone, one paused, one too many
    await asyncio.to_thread(cli, "queue remove member PJSIP/seat-rose from consultation")
    await asyncio.to_thread(cli, "queue pause member PJSIP/seat-rose queue vip")
    await asyncio.to_thread(cli, "queue add member PJSIP/seat-maple to vip penalty 0 as agent-1003")

    async def as_the_database_says() -> bool:
        shown = await asyncio.to_thread(cli, "queue show")
        return shown.count("agent-1001 ") == 4 and "paused" not in shown and "agent-1003" not in shown

    await until("members are corrected", as_the_database_says, timeout_seconds=2 * CORRECTED_WITHIN_SECONDS)


async def test_engine_away_while_an_agent_logs_out(hotline: Hotline) -> None:
    """The wish is committed while nobody can carry it out; the next engine does."""
    engine = await hotline.stack.start_service([ProcessRole.ENGINE])
    api = await hotline.stack.start_service([ProcessRole.API], http_port=hotline.settings.trunk_port)
    await hotline.agent_sits_down(agent("1001"))
    await engine.kill()
    client = await hotline.api(api, "agent1001", "agent of this test")
    (await client.put("/api/v1/agents/me/state", json={"wanted": "logged_out"})).raise_for_status()
    assert "agent-1001" in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show consultation")
    await hotline.stack.start_service([ProcessRole.ENGINE])

    async def gone() -> bool:
        return "agent-1001" not in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show")

    await until("the member is gone", gone, timeout_seconds=2 * CORRECTED_WITHIN_SECONDS)


async def test_asterisk_killed_under_a_call_and_started_again(hotline: Hotline) -> None:
    """The call is closed as lost, once, with an alarm; the agent is a member again; new calls work."""
    await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"), [Wait(3), StayUntilHangUp(600)])
    await hotline.ask_for_a_person(PATIENTS[0], [StayUntilHangUp(600)])
    await hotline.observer.talking(1)

    await asyncio.to_thread(hotline.stack.pbx.kill)
    await asyncio.to_thread(hotline.stack.pbx.start)

    await hotline.observer.agent_takes_calls(agent("1001"))  # once Asterisk has asked the telephone again
    lost = await hotline.finished_call(PATIENTS[0].e164, timeout_seconds=30)
    (visit,) = await hotline.visits(lost)
    assert lost.state == "node_lost"
    assert (lost.outcome, visit.outcome) == ("answered", "answered")  # they had talked; the end is the loss
    async with hotline.database.transaction() as session:
        alarms = (await session.scalars(select(Alarm).where(Alarm.kind == "node_lost"))).all()
    assert len(alarms) == 1
