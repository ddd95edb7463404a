"""What an agent wants: every transition, its history, and two changes at one moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy.exc import IntegrityError

from callcenter.agents import service as agents
from callcenter.agents.errors import AgentExists, NotLoggedIn, SeatNotFound, SeatTaken, UnknownPauseReason, WrongPin
from callcenter.agents.models import Activity, Agent, Cause, Wanted
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from tests.support.locks import waits_for_a_lock
from tests.support.people import (
    BY_AGENT,
    KEY,
    PIN,
    given_agent,
    given_reason,
    given_seats,
    history_of,
    state_of,
)

SEAT, OTHER_SEAT = "seat-rose", "seat-lotus"


@pytest.fixture(autouse=True)
async def agent(database: Database) -> Agent:
    async with database.transaction() as session:
        await given_seats(session, SEAT, OTHER_SEAT)
        await given_reason(session, "lunch", digit="1")
        await given_reason(session, "training")
        await given_reason(session, "smoking", active=False)
        return await given_agent(session)


async def want(database: Database, wish: str, number: str = "1001") -> None:
    """``out``, ``available``, ``lunch`` (or another reason), or a seat to log in at; in a transaction of its own."""
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number, lock=True)
        if wish == "out":
            await agents.log_out(session, agent, **BY_AGENT)
        elif wish == "available":
            await agents.set_available(session, agent, **BY_AGENT)
        elif wish.startswith("seat-"):
            await agents.log_in(session, agent, wish, **BY_AGENT)
        else:
            await agents.pause(session, agent, wish, **BY_AGENT)


@pytest.mark.parametrize(
    ("wishes", "state", "changes"),
    [
        ([SEAT], (Wanted.PAUSED, None, SEAT), 1),
        ([SEAT, "available"], (Wanted.AVAILABLE, None, SEAT), 2),
        ([SEAT, "lunch"], (Wanted.PAUSED, "lunch", SEAT), 2),
        ([SEAT, "available", "lunch"], (Wanted.PAUSED, "lunch", SEAT), 3),
        ([SEAT, "available", "lunch", "training"], (Wanted.PAUSED, "training", SEAT), 4),
        ([SEAT, "lunch", "available"], (Wanted.AVAILABLE, None, SEAT), 3),
        ([SEAT, "available", "out"], (Wanted.LOGGED_OUT, None, None), 3),
        ([SEAT, "lunch", "out"], (Wanted.LOGGED_OUT, None, None), 3),
        ([SEAT, "out", OTHER_SEAT], (Wanted.PAUSED, None, OTHER_SEAT), 3),
        ([SEAT, "available", OTHER_SEAT], (Wanted.PAUSED, None, OTHER_SEAT), 3),
        # what is so already is no change
        (["out"], (Wanted.LOGGED_OUT, None, None), 0),
        ([SEAT, SEAT], (Wanted.PAUSED, None, SEAT), 1),
        ([SEAT, "available", SEAT], (Wanted.AVAILABLE, None, SEAT), 2),
        ([SEAT, "available", "available"], (Wanted.AVAILABLE, None, SEAT), 2),
        ([SEAT, "lunch", "lunch"], (Wanted.PAUSED, "lunch", SEAT), 2),
    ],
)
async def test_transitions(
    database: Database, wishes: list[str], state: tuple[Wanted, str | None, str | None], changes: int
) -> None:
    for wish in wishes:
        await want(database, wish)
    agent = await state_of(database)
    assert (agent.wanted, agent.pause_reason, agent.seat_name) == state
    history = await history_of(database)
    assert len(history) == changes
    if history:
        assert (history[-1].wanted, history[-1].pause_reason) == state[:2]
        assert agent.wanted_since == history[-1].at
    for before, after in pairwise(history):
        assert after.wanted_before == before.wanted


@pytest.mark.parametrize("wish", ["available", "lunch"])
async def test_who_sits_nowhere_can_neither_be_available_nor_pause(database: Database, wish: str) -> None:
    with pytest.raises(NotLoggedIn):
        await want(database, wish)
    assert await history_of(database) == []


@pytest.mark.parametrize("reason", ["unheard-of", "smoking", "", "lunch\n", "LUNCH"])
async def test_a_reason_that_is_not_offered_changes_nothing(database: Database, reason: str) -> None:
    await want(database, SEAT)
    await want(database, "available")
    with pytest.raises(UnknownPauseReason):
        await want(database, reason)
    assert (await state_of(database)).wanted == Wanted.AVAILABLE
    assert len(await history_of(database)) == 2


async def test_a_seat_that_does_not_exist(database: Database) -> None:
    with pytest.raises(SeatNotFound):
        await want(database, "seat-nowhere")


async def test_a_taken_seat_stays_with_who_sits_there(database: Database) -> None:
    async with database.transaction() as session:
        await given_agent(session, "1002")
    await want(database, SEAT)
    await want(database, OTHER_SEAT, "1002")
    with pytest.raises(SeatTaken):
        await want(database, SEAT, "1002")
    assert (await state_of(database, "1002")).seat_name == OTHER_SEAT
    await want(database, "out")
    await want(database, SEAT, "1002")


async def test_history_tells_who_why_when_and_where(database: Database) -> None:
    await want(database, SEAT)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.set_available(session, agent, cause=Cause.SUPERVISOR, actor_name="boss")
    await want(database, "out")
    first, second, third = await history_of(database)
    assert (first.wanted_before, first.wanted, first.cause, first.actor_name, first.seat_name) == (
        Wanted.LOGGED_OUT,
        Wanted.PAUSED,
        Cause.AGENT,
        "li.na",
        SEAT,
    )
    assert (second.cause, second.actor_name) == (Cause.SUPERVISOR, "boss")
    assert third.seat_name == SEAT, "the seat that was left"
    assert first.at <= second.at <= third.at


async def test_two_agents_race_for_one_seat(database: Database) -> None:
    async with database.transaction() as session:
        await given_agent(session, "1002")
    async with database.transaction() as first:
        await agents.log_in(first, await agents.get_agent(first, "1001", lock=True), SEAT, **BY_AGENT)
        await first.flush()
        second = asyncio.create_task(want(database, SEAT, "1002"))
        await waits_for_a_lock(database)
    with pytest.raises(SeatTaken):
        await second
    assert (await state_of(database)).seat_name == SEAT
    assert (await state_of(database, "1002")).seat_name is None
    assert await history_of(database, "1002") == []


async def test_the_seat_is_free_if_the_first_gives_up(database: Database) -> None:
    async with database.transaction() as session:
        await given_agent(session, "1002")
    with pytest.raises(CallcenterError):
        async with database.transaction() as first:
            await agents.log_in(first, await agents.get_agent(first, "1001", lock=True), SEAT, **BY_AGENT)
            await first.flush()
            second = asyncio.create_task(want(database, SEAT, "1002"))
            await waits_for_a_lock(database)
            raise CallcenterError
    await second
    assert (await state_of(database, "1002")).seat_name == SEAT


async def test_two_changes_of_one_agent_follow_one_another(database: Database) -> None:
    """Also if the second had read the agent before it waited, as a route does that first asks who this is."""
    await want(database, SEAT)
    async with database.transaction() as first:
        await agents.set_available(first, await agents.get_agent(first, "1001", lock=True), **BY_AGENT)

        async def pause_after_a_look() -> None:
            async with database.transaction() as session:
                seen = await agents.get_agent(session, "1001")
                assert seen.wanted == Wanted.PAUSED
                agent = await agents.get_agent(session, "1001", lock=True)
                await agents.pause(session, agent, "lunch", **BY_AGENT)

        second = asyncio.create_task(pause_after_a_look())
        await waits_for_a_lock(database)
    await second
    history = await history_of(database)
    assert [(change.wanted_before, change.wanted) for change in history[1:]] == [
        (Wanted.PAUSED, Wanted.AVAILABLE),
        (Wanted.AVAILABLE, Wanted.PAUSED),
    ]


async def test_many_changes_at_once_leave_no_hole(database: Database) -> None:
    await want(database, SEAT)
    await asyncio.gather(*(want(database, wish) for wish in ["available", "lunch", "training"] * 4))
    await history_of(database)


async def test_what_is_rolled_back_leaves_no_hole(database: Database) -> None:
    await want(database, SEAT)
    with pytest.raises(UnknownPauseReason):
        async with database.transaction() as session:
            agent = await agents.get_agent(session, "1001", lock=True)
            await agents.set_available(session, agent, **BY_AGENT)
            await agents.pause(session, agent, "unheard-of", **BY_AGENT)
    await want(database, "lunch")
    assert [change.wanted for change in await history_of(database)] == [Wanted.PAUSED, Wanted.PAUSED]


async def test_wrap_up_ends_when_its_time_is_over_and_not_before(database: Database) -> None:
    begun = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.record_activity(session, agent, Activity.WRAP_UP, wrap_up_seconds=10, at=begun)
    async with database.transaction() as session:
        assert await agents.end_wrap_ups(session, begun + timedelta(seconds=9)) == 0
    async with database.transaction() as session:
        assert await agents.end_wrap_ups(session, begun + timedelta(seconds=12)) == 1
    async with database.transaction() as session:
        assert await agents.end_wrap_ups(session, begun + timedelta(seconds=30)) == 0
    history = await history_of(database)
    assert [change.activity for change in history] == [Activity.WRAP_UP, Activity.IDLE]
    assert history[-1].at == begun + timedelta(seconds=10), "when it was over, not when it was noticed"
    assert (await state_of(database)).wrap_up_until is None


async def test_a_wrap_up_that_is_still_to_begin_is_over(database: Database) -> None:
    """The clock was set back under it: nobody waits for minutes that were there already."""
    begun = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.record_activity(session, agent, Activity.WRAP_UP, wrap_up_seconds=10, at=begun)
    set_back = begun - timedelta(minutes=5)
    async with database.transaction() as session:
        assert await agents.end_wrap_ups(session, set_back) == 1
    assert sorted(change.at for change in await history_of(database)) == [set_back, begun]


async def test_wrap_up_ends_do_not_wait_for_an_agent_who_is_being_changed(database: Database) -> None:
    begun = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.record_activity(session, agent, Activity.WRAP_UP, wrap_up_seconds=1, at=begun)
    async with database.transaction() as session, asyncio.timeout(5):
        await agents.get_agent(session, "1001", lock=True)
        async with database.transaction() as other:
            assert await agents.end_wrap_ups(other, begun + timedelta(minutes=1)) == 0


async def test_a_pin_opens_its_own_agent_only(database: Database) -> None:
    async with database.transaction() as session:
        await agents.create_agent(session, number="1003", display_name="无密码", pin=None, key=KEY)
        assert (await agents.get_agent_by_pin(session, "1001", PIN, key=KEY)).number == "1001"
        for number, pin in [("1001", "4712"), ("1001", ""), ("1003", ""), ("1003", PIN), ("9999", PIN), ("", "")]:
            with pytest.raises(WrongPin):
                await agents.get_agent_by_pin(session, number, pin, key=KEY)
        with pytest.raises(WrongPin):
            await agents.get_agent_by_pin(session, "1001", PIN, key="another key")


async def test_an_agent_number_is_given_once(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(AgentExists):
            await given_agent(session, "1001")


async def test_the_database_itself_refuses_one_number_for_two_changes(database: Database) -> None:
    await want(database, SEAT)
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            agent = await agents.get_agent(session, "1001", lock=True)
            agent.sequence -= 1
            await agents.set_available(session, agent, **BY_AGENT)
