"""What an agent's desk is told: numbered without a hole, whoever tells it at the same moment."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from callcenter.agents import messages, telephones
from callcenter.agents import service as agents
from callcenter.agents.models import Activity, Agent, AgentMessage, Cause
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.retention import keep_to_retention
from tests.support.locks import waits_for_a_lock
from tests.support.people import BY_AGENT, given_agent, given_reason, given_seats, messages_of, state_of


@pytest.fixture(autouse=True)
async def agent(database: Database) -> Agent:
    async with database.transaction() as session:
        await given_seats(session, "seat-rose", "seat-lotus")
        await given_reason(session, "lunch", digit="1")
        return await given_agent(session)


async def told(database: Database) -> list[tuple[int, str, dict[str, Any] | None, dict[str, Any] | None]]:
    async with database.transaction() as session:
        rows = await messages_of(session, await agents.get_agent(session, "1001"))
    return [(row.sequence, row.type, row.before, row.after) for row in rows]


async def test_each_change_of_state_is_told_with_before_and_after(database: Database) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
        await agents.pause(session, agent, "lunch", cause=Cause.SUPERVISOR, actor_name="chen.jing")
        await agents.record_activity(session, agent, Activity.RINGING, call_id="pbx1-1.1")
        await agents.log_in(session, agent, "seat-lotus", **BY_AGENT)
        await agents.log_out(session, agent, **BY_AGENT)
    rows = await told(database)
    assert [sequence for sequence, _kind, _before, _after in rows] == list(range(1, 8))
    telephones = [(before, after) for _sequence, kind, before, after in rows if kind == messages.TELEPHONE]
    assert telephones == [
        (None, {"seat": "seat-rose", "registered": True}),
        (None, {"seat": "seat-lotus", "registered": True}),
    ]
    rows = [row for row in rows if row[1] == messages.STATE]
    ways = []
    for _sequence, _kind, before, after in rows:
        assert before is not None and after is not None
        ways.append(
            [
                f"{key}: {before[key]} > {after[key]}"
                for key in sorted(before)
                if before[key] != after[key] and "since" not in key
            ]
        )
    assert ways == [
        ["seat: None > seat-rose", "wanted: logged_out > paused"],
        ["pause_reason: None > lunch"],
        ["activity: idle > ringing", "call_id: None > pbx1-1.1"],
        ["pause_reason: lunch > None", "seat: seat-rose > seat-lotus"],
        ["seat: seat-lotus > None", "wanted: paused > logged_out"],
    ]
    forced = rows[1][3]
    assert forced is not None
    assert (forced["cause"], forced["actor"]) == ("supervisor", "chen.jing")


async def test_two_who_tell_at_one_moment_follow_one_another(database: Database) -> None:
    """One who does not hold the agent's row, and one who changes the state."""

    async def tell() -> None:
        async with database.transaction() as session:
            agent = await agents.get_agent(session, "1001")
            await waiting.wait()
            await messages.publish(session, agent, "alarm", before=None, after={"id": "7"})

    waiting = asyncio.Event()
    telling = asyncio.create_task(tell())
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
        await messages.publish(session, agent, "score", before=None, after=None)
        await agents.log_out(session, agent, **BY_AGENT)
        waiting.set()
        await waits_for_a_lock(database)
    await telling
    rows = await told(database)
    assert [(sequence, kind) for sequence, kind, _before, _after in rows] == [
        (1, "state"),
        (2, "telephone"),
        (3, "score"),
        (4, "state"),
        (5, "alarm"),
    ]
    assert (rows[2][2:], rows[4][2:]) == ((None, None), (None, {"id": "7"}))
    assert (await state_of(database)).sequence == 5


async def test_a_telephone_that_goes_while_its_agent_sits_down_anew(database: Database) -> None:
    """Both lock agent and seat: in the same order, or PostgreSQL ends one of them."""
    async with database.transaction() as session:
        await agents.log_in(session, await agents.get_agent(session, "1001", lock=True), "seat-rose", **BY_AGENT)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        goes = asyncio.create_task(telephone_goes(database))
        await waits_for_a_lock(database)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
    await goes
    assert (await told(database))[-1][1:] == ("telephone", *ROSE_GOES)


async def test_a_telephone_that_goes_while_somebody_takes_its_seat(database: Database) -> None:
    """Who was not there yet when it went is told all the same."""
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
        goes = asyncio.create_task(telephone_goes(database))
        await waits_for_a_lock(database)
    await goes
    assert (await told(database))[-1][1:] == ("telephone", *ROSE_GOES)


async def telephone_goes(database: Database) -> None:
    async with database.transaction() as session:
        await telephones.record_registration(session, "seat-rose", False, now())


ROSE_GOES = tuple({"seat": "seat-rose", "registered": there} for there in (True, False))


async def test_messages_are_kept_for_a_day(database: Database) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001")
        for word in ("old", "young"):
            await messages.publish(session, agent, word, before=None, after=None)
        await session.execute(update(AgentMessage).where(AgentMessage.type == "old").values(at=now() - timedelta(1)))
    await keep_to_retention(database, Settings(), now())
    assert [kind for _sequence, kind, _before, _after in await told(database)] == ["young"]
