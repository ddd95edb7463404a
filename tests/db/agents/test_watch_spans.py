"""When a PBX was watched: noted by the engine, read by whoever counts."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from callcenter.agents import service as agents
from callcenter.agents.durations import Period, State
from callcenter.agents.models import Activity
from callcenter.agents.state_history import get_durations, list_state_spans
from callcenter.agents.watch_spans import LONGEST_SILENCE, EngineWatchSpan, Watch, list_watched
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.people import BY_AGENT, PBX, given_agent, given_seats

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return EIGHT + timedelta(seconds=seconds)


async def spans_of(database: Database) -> list[tuple[float, float]]:
    async with database.transaction() as session:
        rows = await session.scalars(select(EngineWatchSpan).order_by(EngineWatchSpan.id))
        return [((row.started_at - EIGHT).total_seconds(), (row.ended_at - EIGHT).total_seconds()) for row in rows]


async def note(database: Database, watch: Watch, *seconds: float) -> None:
    for moment in seconds:
        async with database.transaction() as session:
            await watch.note(session, at(moment))


async def test_a_span_grows_while_the_engine_watches(database: Database) -> None:
    watch = Watch(PBX)
    await note(database, watch, 0, 2, 4.5, 14.5)
    assert await spans_of(database) == [(0, 14.5)]


async def test_what_was_missed_lies_between_two_spans(database: Database) -> None:
    watch = Watch(PBX)
    await note(database, watch, 0, 2)
    watch.lose()
    await note(database, watch, 3, 4)
    await note(database, watch, 4 + LONGEST_SILENCE.total_seconds() + 0.1)  # it hung
    await note(database, Watch(PBX), 20)  # the next engine
    assert await spans_of(database) == [(0, 2), (3, 4), (14.1, 14.1), (20, 20)]


async def test_a_clock_set_back_begins_anew(database: Database) -> None:
    watch = Watch(PBX)
    await note(database, watch, 100, 102, 50, 52)
    assert await spans_of(database) == [(100, 102), (50, 52)]
    async with database.transaction() as session:
        found = await list_watched(session, PBX, at(0), at(200), at=at(1_000))
    assert found == [Period(at(0), at(52)), Period(at(100), at(102))]


@pytest.mark.parametrize(
    ("present", "until"),
    [(14, 14), (102, 12), (12, 12)],
    ids=["the last word is fresh", "nobody watches any more", "at the last word"],
)
async def test_the_time_since_the_last_word(database: Database, present: float, until: float) -> None:
    await note(database, Watch(PBX), 2, 12)
    async with database.transaction() as session:
        found = await list_watched(session, PBX, at(5), at(200), at=at(present))
        assert found == [Period(at(5), at(until))]
        assert await list_watched(session, "another", at(5), at(200), at=at(present)) == [Period(at(5), at(200))]


async def test_before_the_first_word_nobody_noted_who_watched(database: Database) -> None:
    await note(database, Watch(PBX), 10, 12)
    async with database.transaction() as session:
        assert await list_watched(session, PBX, at(0), at(11), at=at(100)) == [Period(at(0), at(11))]


async def test_an_agent_s_own_durations(database: Database) -> None:
    """As the desk asks for them: what came while nobody watched is unobserved, and nothing lies in the future."""
    began = now() - timedelta(minutes=10)
    async with database.transaction() as session:
        await given_seats(session, "seat-rose")
        agent = await given_agent(session)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
        await agents.set_available(session, agent, **BY_AGENT)
        await agents.record_activity(session, agent, Activity.ON_CALL, call_id="c1")
        session.add(EngineWatchSpan(pbx=PBX, started_at=began, ended_at=began + timedelta(minutes=9)))
        await session.flush()
        found = await get_durations(session, agent.id, began, now() + timedelta(days=1), pbx=PBX)
        assert found.unobserved > timedelta()
        assert found.on_call == found.available == timedelta()
        session.add(EngineWatchSpan(pbx=PBX, started_at=began, ended_at=now()))
        await session.flush()
        spans = await list_state_spans(session, agent.id, began, now() + timedelta(days=1), pbx=PBX)
    assert [span.state for span in spans] == [State.PAUSED, State.AVAILABLE, State.ON_CALL]
    assert spans[-1].call_id == "c1"
    assert spans[-1].end <= now()
