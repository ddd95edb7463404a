"""Live events: who waits, what agents do."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen, remove

from callcenter.agents import service as agents
from callcenter.agents.models import Activity
from callcenter.asterisk.commands import QueuePause
from callcenter.asterisk.events import (
    AgentCalled,
    AgentComplete,
    AgentConnect,
    AgentRingNoAnswer,
    ContactStatus,
    Event,
    QueueCallerAbandon,
    QueueCallerLeave,
    QueueEntry,
)
from callcenter.core.alarms import Alarm
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.queues import handlers, queries
from callcenter.queues import service as queues
from callcenter.queues.models import Queue
from tests.support.people import (
    BY_AGENT,
    PBX,
    commands_of,
    given_queue,
    history_of,
    messages_of,
    registered_seats,
    state_of,
)
from tests.support.queue_events import (
    CALL,
    OTHER_CALL,
    activities,
    at_agent,
    correct,
    event,
    given_hotline,
    happens,
    join,
    waiting,
)


@pytest.fixture(autouse=True)
async def hotline(database: Database) -> None:
    await given_hotline(database)


# -- what agents do


async def test_agents_who_change_differently_are_one_statement(database: Database) -> None:
    """A statement costs more than the rows in it, and each shape of one is prepared for itself."""
    await happens(database, at_agent(AgentCalled))
    await happens(database, at_agent(AgentConnect))
    updates: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE agents "):
            updates.append(statement)

    listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        await happens(database, at_agent(AgentComplete), at_agent(AgentCalled, "1002", OTHER_CALL))
    finally:
        remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert len(updates) == 1
    assert [(await state_of(database, number)).activity for number in ("1001", "1002")] == ["wrap_up", "ringing"]


async def test_ring_talk_wrap_up(database: Database) -> None:
    await happens(database, at_agent(AgentCalled))
    await happens(database, at_agent(AgentConnect), at_agent(AgentComplete, TalkTime=5))
    first, second, third = await history_of(database)
    assert [(one.activity_before, one.activity, one.call_id) for one in (first, second, third)] == [
        (Activity.IDLE, Activity.RINGING, CALL),
        (Activity.RINGING, Activity.ON_CALL, CALL),
        (Activity.ON_CALL, Activity.WRAP_UP, None),
    ]
    assert {one.cause for one in (first, second, third)} == {"system"}
    agent = await state_of(database)
    assert agent.wrap_up_until is not None
    assert (agent.wrap_up_until - agent.activity_since).total_seconds() == 20


async def test_a_queue_without_wrap_up_frees_the_agent_at_once(database: Database) -> None:
    complete = at_agent(AgentComplete, Queue="consultation")
    await happens(database, at_agent(AgentCalled), at_agent(AgentConnect), complete)
    assert await activities(database) == [Activity.RINGING, Activity.ON_CALL, Activity.IDLE]


async def test_repeated_events_change_nothing(database: Database) -> None:
    await happens(database, *[at_agent(AgentCalled)] * 3, *[at_agent(AgentConnect)] * 3)
    await happens(database, at_agent(AgentComplete))
    until = (await state_of(database)).wrap_up_until
    await happens(database, at_agent(AgentComplete), at_agent(AgentComplete))
    assert await activities(database) == [Activity.RINGING, Activity.ON_CALL, Activity.WRAP_UP]
    assert (await state_of(database)).wrap_up_until == until


async def test_an_offer_not_taken(database: Database) -> None:
    await happens(database, at_agent(AgentCalled), at_agent(AgentRingNoAnswer, RingTime=15000))
    assert await activities(database) == [Activity.RINGING, Activity.IDLE]
    await happens(database, at_agent(AgentCalled), at_agent(AgentConnect), at_agent(AgentRingNoAnswer))
    assert (await state_of(database)).activity == Activity.ON_CALL, "a late word about an offer ends no conversation"


async def test_the_caller_hangs_up_while_a_phone_rings(database: Database) -> None:
    await happens(database, join(CALL, 1), at_agent(AgentCalled), at_agent(AgentCalled, "1002", OTHER_CALL))
    await happens(database, event(QueueCallerAbandon, Position=1), event(QueueCallerLeave, Position=1))
    assert await activities(database) == [Activity.RINGING, Activity.IDLE]
    assert (await state_of(database, "1002")).activity == Activity.RINGING, "another caller's phone rings on"
    assert await waiting(database) == []


async def test_all_phones_ring_and_one_answers(database: Database) -> None:
    """Strategy ringall: Asterisk sends no event for the others."""
    await happens(
        database, at_agent(AgentCalled, "1001"), at_agent(AgentCalled, "1002"), at_agent(AgentConnect, "1002")
    )
    assert await activities(database, "1001") == [Activity.RINGING, Activity.IDLE]
    assert await activities(database, "1002") == [Activity.RINGING, Activity.ON_CALL]


async def test_log_out_during_a_call_lets_it_go_on(database: Database) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.log_in(session, agent, "seat-rose", pbx=PBX, **BY_AGENT)
    await happens(database, at_agent(AgentCalled), at_agent(AgentConnect))
    async with database.transaction() as session:
        await queues.log_out(session, await agents.get_agent(session, "1001", lock=True), pbx=PBX, **BY_AGENT)
    agent = await state_of(database)
    assert (agent.wanted, agent.activity, agent.activity_call_id) == ("logged_out", Activity.ON_CALL, CALL)
    await happens(database, at_agent(AgentComplete))
    assert (await state_of(database)).activity == Activity.WRAP_UP


async def test_members_that_are_not_ours_are_left_alone(database: Database) -> None:
    strangers = [event(AgentCalled, Interface="PJSIP/x", MemberName=name) for name in ("", "agent-9999", "bot", "1001")]
    await happens(database, *strangers)
    assert await activities(database) == []


async def test_a_phone_comes_and_goes(database: Database) -> None:
    def contact(status: str, aor: str = "seat-rose") -> Event:
        return event(ContactStatus, AOR=aor, EndpointName=aor, URI="sip:x", ContactStatus=status)

    await happens(database, contact("NonQualified"), contact("Reachable", "trunk"))
    assert await registered_seats(database) == ["seat-rose"]
    await happens(database, contact("Unreachable"))
    assert await registered_seats(database) == []
    await happens(database, contact("Reachable"), contact("Removed", "seat-lotus"))
    assert await registered_seats(database) == ["seat-rose"]


async def test_who_sits_at_a_seat_is_told_of_its_telephone(database: Database) -> None:
    """Once for each change, by an event or a snapshot; nobody else."""

    def contact(status: str, aor: str = "seat-rose") -> Event:
        return event(ContactStatus, AOR=aor, EndpointName=aor, URI="sip:x", ContactStatus=status)

    async def told(number: str) -> list[tuple[object, object]]:
        async with database.transaction() as session:
            rows = await messages_of(session, await agents.get_agent(session, number))
        return [(row.before, row.after) for row in rows if row.type == "telephone"]

    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.log_in(session, agent, "seat-rose", pbx=PBX, **BY_AGENT)
    await happens(database, contact("Reachable"), contact("Reachable"), contact("Reachable", "seat-lotus"))
    await happens(database, contact("Unreachable"))
    async with database.transaction() as session:
        await handlers.correct_live(session, PBX, [], [], {"seat-rose"})
    away, there = ({"seat": "seat-rose", "registered": there} for there in (False, True))
    assert await told("1001") == [(None, away), (away, there), (there, away), (away, there)]
    assert await told("1002") == []


# -- offers not taken


@pytest.fixture
async def sits(database: Database) -> None:
    """1001, available, in queues of which the strictest lets two calls be missed."""
    async with database.transaction() as session:
        await given_queue(session, "patient", max_missed_calls=0)
        for name, limit in (("vip", 4), ("consultation", 2)):
            (await session.get_one(Queue, name)).max_missed_calls = limit
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.set_membership(session, agent, "patient", 0, pbx=PBX, cause="test")
        await queues.log_in(session, agent, "seat-rose", pbx=PBX, **BY_AGENT)
        await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)


MISSED = at_agent(AgentCalled), at_agent(AgentRingNoAnswer, RingTime=15000)


async def test_who_lets_calls_ring_out_is_paused_and_supervisors_are_told(database: Database, sits: None) -> None:
    await happens(database, *MISSED)
    assert (await state_of(database)).wanted == "available"
    await happens(database, *MISSED)
    agent = await state_of(database)
    assert (agent.wanted, agent.pause_reason) == ("paused", "missed_calls")
    change = (await history_of(database))[-1]
    assert (change.cause, change.actor_name, change.activity) == ("system", "missed-calls", "idle")
    assert (await commands_of(database))[-1] == QueuePause(seat="seat-rose", paused=True, reason="missed_calls")
    assert await missed_alarms(database) == [("1001", {"agent": "1001", "missed": 2})]
    await happens(database, *MISSED)  # it rang already
    assert [len(await missed_alarms(database)), (await state_of(database)).pause_reason] == [1, "missed_calls"]


async def test_only_calls_missed_in_a_row_count(database: Database, sits: None) -> None:
    """One that is taken ends the row, and so does the agent who says to be there."""
    await happens(database, *MISSED)
    await happens(database, at_agent(AgentCalled), at_agent(AgentConnect), at_agent(AgentComplete, TalkTime=5))
    await happens(database, *MISSED)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)
    await happens(database, *MISSED)
    assert (await state_of(database)).wanted == "available"
    await happens(database, at_agent(AgentCalled), event(QueueCallerAbandon))  # the caller's doing
    assert (await state_of(database)).wanted == "available"


async def missed_alarms(database: Database) -> list[tuple[str, dict[str, object]]]:
    async with database.transaction() as session:
        rows = await session.scalars(select(Alarm).where(Alarm.kind == "agent_missed_calls"))
        return [(row.key, row.details) for row in rows]


async def test_an_available_agent_whose_phone_is_away_is_told_of_once_in_each_absence(database: Database) -> None:
    def contact(status: str) -> Event:
        return event(ContactStatus, AOR="seat-rose", EndpointName="seat-rose", URI="sip:x", ContactStatus=status)

    async def warned(after_seconds: float) -> int:
        async with database.transaction() as session:
            return await agents.warn_of_absent_telephones(session, now() + timedelta(seconds=after_seconds))

    await happens(database, contact("Reachable"))
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.log_in(session, agent, "seat-rose", pbx=PBX, **BY_AGENT)
    await happens(database, contact("Unreachable"))
    assert await warned(60) == 0, "who is paused wants no calls"
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)
    assert await warned(5) == 0, "it may be registering anew"
    assert [await warned(60), await warned(61)] == [1, 0]
    async with database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm))
        assert (alarm.kind, alarm.key, alarm.details) == (
            "seat_away",
            "seat-rose",
            {"seat": "seat-rose", "agent": "1001"},
        )
        alarm.acknowledged_at, alarm.acknowledged_by = now(), "test"
    assert await warned(62) == 0, "it is known"
    await happens(database, contact("Reachable"))
    assert await warned(60) == 0
    await happens(database, contact("Removed"))
    assert await warned(60) == 1


async def test_an_agent_who_never_had_a_phone_is_told_of(database: Database) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.log_in(session, agent, "seat-rose", pbx=PBX, **BY_AGENT)
        await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)
    async with database.transaction() as session:
        assert await agents.warn_of_absent_telephones(session, now() + timedelta(seconds=60)) == 1


# -- who waits


async def test_callers_stand_in_the_order_that_app_queue_serves(database: Database) -> None:
    """By priority, a VIP's being the higher; among equals by the time of joining."""
    first, second, vip, like_first = (f"pbx1-176375463{index}.{index}" for index in range(1, 5))
    await happens(database, join(first, 50), join(second, 40), join(vip, 90), join(like_first, 50))
    assert await waiting(database) == [vip, first, like_first, second]
    await happens(database, event(QueueCallerLeave, first, Position=2))
    assert await waiting(database) == [vip, like_first, second]


async def test_join_and_leave_twice_are_once(database: Database) -> None:
    await happens(database, join(CALL, 2), join(OTHER_CALL, 1), join(CALL, 2))
    assert await waiting(database) == [CALL, OTHER_CALL]
    await happens(database, *[event(QueueCallerLeave, CALL, Position=1)] * 2)
    assert await waiting(database) == [OTHER_CALL]


async def test_a_caller_waits_in_one_queue_at_a_time(database: Database) -> None:
    """Overflow whose leaving was missed."""
    await happens(database, join(CALL, 2), join(OTHER_CALL, 1), join(CALL, 2, "consultation"))
    assert await waiting(database) == [OTHER_CALL]
    assert await waiting(database, "consultation") == [CALL]


async def test_what_happens_in_one_batch_ends_as_it_would_one_by_one(database: Database) -> None:
    """A caller overflows into the next queue, another comes and gives up at once, a third is there all the while."""
    await happens(database, join(CALL, 1), join(OTHER_CALL, 2))
    left = event(QueueCallerLeave, CALL, Position=1)
    gone = "pbx1-1763754650.20"
    await happens(
        database, left, join(CALL, 1, "consultation"), join(gone, 1), event(QueueCallerAbandon, gone, Position=2)
    )
    assert (await waiting(database), await waiting(database, "consultation")) == ([OTHER_CALL], [CALL])
    await happens(database, join(CALL, 1), event(QueueCallerLeave, CALL, Position=1))
    assert await waiting(database, "consultation") == []


@pytest.mark.parametrize("app_queue", ["own-1001", "vip--not-1002"])
async def test_boards_show_our_queue_whichever_of_asterisks_a_caller_stands_in(
    database: Database, app_queue: str
) -> None:
    await happens(database, join(OTHER_CALL, 1), join(CALL, 2, app_queue=app_queue))
    assert await waiting(database) == [CALL, OTHER_CALL]
    assert await waiting(database, app_queue) == []
    row = event(QueueEntry, CALL, Queue=app_queue, Position=1, Wait=3, Priority=2)
    other = event(QueueEntry, OTHER_CALL, Queue="vip", Position=1, Wait=3, Priority=5)
    assert isinstance(row, QueueEntry)
    assert isinstance(other, QueueEntry)
    await correct(database, entries=[row, other])
    assert await waiting(database) == [OTHER_CALL, CALL]


async def test_wrap_up_is_that_of_the_queue_in_asterisk(database: Database) -> None:
    """After a call from a personal queue the longest of the queues it stands for, after a shadow's its queue's."""
    async with database.transaction() as session:
        for name, seconds in (("short", 5), ("long", 30)):
            queue = await given_queue(session, name, wrap_up_seconds=seconds, last_agent_first=True)
            agent = await agents.get_agent(session, "1001")
            await queries.put_membership(session, queue.name, agent.id, 0)
    for app_queue, seconds in (("own-1001", 30), ("vip--not-1002", 20), ("consultation--not-1002", 0)):
        await happens(database, at_agent(AgentConnect), at_agent(AgentComplete, Queue=app_queue))
        agent = await state_of(database)
        wrap_up = agent.wrap_up_until - agent.activity_since if agent.wrap_up_until else timedelta()
        assert wrap_up.total_seconds() == seconds, app_queue
