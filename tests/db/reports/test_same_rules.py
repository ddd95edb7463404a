"""The report counts by SQL what callcenter.agents.durations counts in Python: the same, whatever happened."""

import random
from datetime import datetime, timedelta

import pytest

from callcenter.agents.durations import Durations, State
from callcenter.agents.models import Activity, AgentStateChange, Cause, Wanted
from callcenter.agents.state_history import get_durations
from callcenter.agents.watch_spans import EngineWatchSpan
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.reports import queries
from callcenter.reports.intervals import Interval
from callcenter.reports.service import Workload, WorkloadRow, cut_period, list_rows
from tests.support.people import PBX, given_agent, given_reason
from tests.support.workload import ZONE, at

FIRST, LAST = at("8:00:00"), at("12:00:00")


def some_time(chance: random.Random) -> datetime:
    return FIRST + timedelta(microseconds=chance.randrange(-3_600_000_000, 5 * 3_600_000_000))


def durations_of(row: WorkloadRow) -> Durations:
    names = [state.value for state in State if state is not State.PAUSED]
    return Durations(paused=row.sums.paused, **{name: getattr(row.sums, name) for name in names})


@pytest.mark.parametrize("seed", range(8))
async def test_a_history_of_chance(database: Database, seed: int) -> None:
    """Times out of order too: clocks are set back, wrap-ups are ended late."""
    chance = random.Random(seed)  # noqa: S311
    async with database.transaction() as session:
        await given_reason(session, "lunch")
        agent = await given_agent(session)
        times = sorted(some_time(chance) for _ in range(chance.randrange(40)))
        for number in range(0, len(times) - 1, 5):
            times[number], times[number + 1] = times[number + 1], times[number]
        for sequence, when in enumerate(times, start=1):
            wanted = chance.choice(list(Wanted))
            session.add(
                AgentStateChange(
                    agent_id=agent.id,
                    sequence=sequence * 2,  # messages have numbers too
                    at=when,
                    cause=Cause.SYSTEM,
                    actor_name="test",
                    wanted_before=wanted,
                    wanted=wanted,
                    pause_reason=chance.choice([None, "lunch"]),
                    activity_before=Activity.IDLE,
                    activity=chance.choice(list(Activity)),
                )
            )
        for _ in range(chance.randrange(4)):
            start, end = sorted((some_time(chance), some_time(chance)))
            session.add(EngineWatchSpan(pbx=PBX, started_at=start, ended_at=end))
        await session.flush()
        borders = cut_period(FIRST, LAST, Interval.QUARTER_HOUR, ZONE)
        people = await queries.list_people(session, numbers=None, queue=None, scope=None, user_id=None)
        by_sql: list[dict[int, Durations]] = []
        for by_queue in (False, True):
            wanted_rows = Workload(people, borders, by_agent=True, by_queue=by_queue, queues=None, pbx=PBX)
            rows = await list_rows(session, wanted_rows, 0, len(borders) - 1, at=now())
            by_sql.append({row.interval: durations_of(row) for row in rows})
        by_python = {
            number: found
            for number in range(len(borders) - 1)
            if (
                found := await get_durations(session, agent.id, borders[number], borders[number + 1], pbx=PBX)
            ).logged_in
        }
    assert by_sql == [by_python, by_python]
