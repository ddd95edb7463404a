"""Snapshots correct what events left wrong or never told: who waits, what agents do, which telephones are there."""

import asyncio

import pytest

from callcenter.agents import service as agents
from callcenter.agents.models import Activity
from callcenter.asterisk.events import AgentCalled, AgentComplete, AgentConnect, Event
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.core.db import Database
from callcenter.queues import handlers, queries
from tests.support.locks import waits_for_a_lock
from tests.support.people import BY_AGENT, PBX, given_agent, registered_seats, state_of
from tests.support.queue_events import activities, at_agent, correct, entry, given_hotline, happens, join, member


@pytest.fixture(autouse=True)
async def hotline(database: Database) -> None:
    await given_hotline(database)


async def test_a_snapshot_replaces_who_waits(database: Database) -> None:
    mine, others = join("pbx1-1763754632.2", 2), join("pbx2-1763754632.2", 3)
    await happens(database, join("pbx1-1763754631.1", 1), mine, others)
    async with database.transaction() as session:
        kept = (await queries.list_waiting(session, "vip"))[1].joined_at
    await correct(database, entries=[entry("pbx1-1763754639.9", 1, Priority=7), entry("pbx1-1763754632.2", 2)])
    async with database.transaction() as session:
        callers = {caller.uniqueid: caller for caller in await queries.list_waiting(session, "vip")}
    assert set(callers) == {"pbx1-1763754639.9", "pbx1-1763754632.2", "pbx2-1763754632.2"}, "another PBX keeps its own"
    assert callers["pbx1-1763754639.9"].priority == 7
    assert callers["pbx1-1763754632.2"].joined_at == kept
    await correct(database)
    async with database.transaction() as session:
        assert [caller.pbx for caller in await queries.list_waiting(session, "vip")] == ["pbx2"]


async def test_a_snapshot_replaces_which_phones_are_there(database: Database) -> None:
    await correct(database, contacts={"seat-rose", "trunk"})
    assert await registered_seats(database) == ["seat-rose"]
    await correct(database, contacts={"seat-lotus"})
    assert await registered_seats(database) == ["seat-lotus"]
    await correct(database)
    assert await registered_seats(database) == []


@pytest.mark.parametrize("before", [AgentCalled, AgentConnect])
async def test_who_was_left_ringing_or_talking_is_idle(database: Database, before: type[Event]) -> None:
    await happens(database, at_agent(before))
    await correct(database, members=[member("1001")])
    assert (await state_of(database)).activity == Activity.IDLE


async def test_who_talks_to_a_caller_is_on_call(database: Database) -> None:
    await correct(database, members=[member("1001", in_call=True, device_status=2), member("1001")])
    assert await activities(database) == [Activity.ON_CALL]
    await correct(database, members=[member("1001", in_call=True, device_status=2)])
    assert await activities(database) == [Activity.ON_CALL]
    await happens(database, at_agent(AgentComplete))
    assert (await state_of(database)).activity == Activity.WRAP_UP


async def test_who_telephones_outside_the_queues_is_not_on_call(database: Database) -> None:
    """No event would ever end it."""
    await correct(database, members=[member("1001", device_status=2)])
    assert await activities(database) == []


async def test_a_phone_that_rings_during_the_snapshot_rings_on(database: Database) -> None:
    await happens(database, at_agent(AgentCalled))
    await correct(database, members=[member("1001", device_status=6)])
    await happens(database, at_agent(AgentConnect))
    assert await activities(database) == [Activity.RINGING, Activity.ON_CALL]


async def test_wrap_up_outlives_a_snapshot(database: Database) -> None:
    await happens(database, at_agent(AgentConnect), at_agent(AgentComplete))
    await correct(database, members=[member("1001")])
    assert (await state_of(database)).activity == Activity.WRAP_UP


async def test_an_agent_who_changes_during_a_snapshot_gets_every_row_a_number_of_its_own(database: Database) -> None:
    await happens(database, at_agent(AgentConnect))
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
        await session.flush()
        snapshot = asyncio.create_task(correct(database, members=[member("1001")]))
        await waits_for_a_lock(database)
    await snapshot
    assert await activities(database) == [Activity.ON_CALL, Activity.ON_CALL, Activity.IDLE]


async def test_who_sits_nowhere_is_in_no_call_of_the_trunk(database: Database) -> None:
    caller = LiveChannel("PJSIP/trunk-00000001", "pbx1-1.1", "pbx1-1.1", "Up", "", "flow", "do-queue", "Queue")
    async with database.transaction() as session:
        agent = await given_agent(session, "1009")
        await handlers.correct_live(session, PBX, [], [], set(), channels=[caller])
        assert (agent.seat_name, agent.activity, agent.live_call) == (None, Activity.IDLE, None)
