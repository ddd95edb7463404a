"""Agents' states from the telephone and back to Asterisk."""

from sqlalchemy import select

from callcenter.agents.models import Agent, AgentStateChange
from callcenter.asterisk.models import PbxCommand
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent


async def test_log_in_pause_and_log_out_from_the_telephone(hotline: Hotline) -> None:
    await hotline.stack.start_service()
    li_na = agent("1001")
    password = hotline.seat_passwords[li_na.seat]
    await hotline.phones.plug_in(li_na.seat, password, [HangUp()])

    async def dial(code: str, *keys: str) -> None:
        steps = [step for key in keys for step in (Wait(hotline.seconds("agent_ask_number") + 0.5), Press(key))]
        phone = await hotline.phones.dial_from_seat(li_na.seat, password, code, [*steps, StayUntilHangUp(40)])
        await phone.done(60)

    async def wanted() -> str:
        async with hotline.database.transaction() as session:
            found = (await session.scalars(select(Agent).where(Agent.number == "1001"))).one()
            return f"{found.wanted} {found.pause_reason or '-'} {found.seat_name or '-'}"

    async def shown() -> str:
        lines = (hotline.stack.pbx.cli("queue show consultation")).splitlines()
        mine = [line for line in lines if "agent-1001" in line]
        return "absent" if not mine else "paused" if "paused" in mine[0] else "takes calls"

    async def asterisk_says(what: str) -> None:
        async def look() -> bool:
            return await shown() == what

        await until(f"Asterisk says {what}", look)

    await dial("*11", "1001#", "9999#")  # a wrong PIN
    assert await wanted() == "logged_out - -"
    await dial("*11", "1001#", f"{li_na.pin}#")
    assert await wanted() == "available - seat-rose"
    await asterisk_says("takes calls")
    await dial("*141")
    assert await wanted() == "paused lunch seat-rose"
    await asterisk_says("paused")
    await dial("*149")  # no such reason
    assert await wanted() == "paused lunch seat-rose"
    await dial("*13")
    assert await wanted() == "available - seat-rose"
    await asterisk_says("takes calls")
    await dial("*12")
    assert await wanted() == "logged_out - -"
    await asterisk_says("absent")

    async with hotline.database.transaction() as session:
        changes = (await session.scalars(select(AgentStateChange).order_by(AgentStateChange.sequence))).all()
        commands = (await session.scalars(select(PbxCommand))).all()
    assert [change.wanted for change in changes] == ["paused", "available", "paused", "available", "logged_out"]
    assert [change.at for change in changes] == sorted(change.at for change in changes), "numbered in their order"
    assert {change.cause for change in changes} == {"agent"}
    assert {command.state for command in commands} == {"done"}
