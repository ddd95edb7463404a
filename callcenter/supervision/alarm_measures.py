"""What alarm rules can measure, and the measuring of queues and agents: one question to the database for each.

What only an engine can see of its surroundings: :mod:`callcenter.supervision.alarm_surroundings`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.figures import QueueFigures

Of = Literal["queue", "agent", "pbx", "service"]


class Measure(StrEnum):
    """Rates and counts of calls are taken over the rule's ``window_minutes``, by the time of entering the queue."""

    LONGEST_WAIT = "longest_wait"
    WAITING_CALLERS = "waiting_callers"
    UNATTENDED_CALLERS = "unattended_callers"
    SERVICE_LEVEL = "service_level"
    ABANDON_RATE = "abandon_rate"
    UNANSWERED_CALLS = "unanswered_calls"
    AGENTS_AVAILABLE = "agents_available"
    AGENTS_IDLE = "agents_idle"
    AGENT_PAUSED = "agent_paused"
    AGENT_ON_CALL = "agent_on_call"
    AGENT_WRAP_UP = "agent_wrap_up"
    PBX_AWAY = "pbx_away"
    TRUNK_DOWN = "trunk_down"
    LEDGER_LAG = "ledger_lag"
    DISK_FREE = "disk_free"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class About:
    """``unit``: of the value, for people. ``live``: worth nothing while Asterisk cannot be asked."""

    of: Of
    unit: Literal["seconds", "count", "percent", "yes_no"]
    words_zh: str
    words_en: str
    live: bool = False


MEASURES: Mapping[Measure, About] = {
    Measure.LONGEST_WAIT: About("queue", "seconds", "最长等待时间", "Longest wait of a caller now", live=True),
    Measure.WAITING_CALLERS: About("queue", "count", "等待人数", "Callers who wait now", live=True),
    Measure.UNATTENDED_CALLERS: About(
        "queue", "count", "无人接听时的等待人数", "Callers who wait while no agent is available", live=True
    ),
    Measure.SERVICE_LEVEL: About("queue", "percent", "服务水平", "Service level"),
    Measure.ABANDON_RATE: About("queue", "percent", "放弃率", "Share of callers who gave up"),
    Measure.UNANSWERED_CALLS: About("queue", "count", "未接听的来电数", "Callers who left without an answer"),
    Measure.AGENTS_AVAILABLE: About("queue", "count", "可用坐席数", "Agents available", live=True),
    Measure.AGENTS_IDLE: About("queue", "count", "空闲坐席数", "Agents available who do nothing now", live=True),
    Measure.AGENT_PAUSED: About("agent", "seconds", "坐席小休时长", "How long an agent has been paused"),
    Measure.AGENT_ON_CALL: About("agent", "seconds", "坐席通话时长", "How long an agent has been on a call", live=True),
    Measure.AGENT_WRAP_UP: About("agent", "seconds", "坐席话后处理时长", "How long an agent has been in wrap-up"),
    Measure.PBX_AWAY: About("pbx", "seconds", "交换机失联时长", "How long Asterisk has not been reached"),
    Measure.TRUNK_DOWN: About("pbx", "yes_no", "中继中断", "The trunk does not answer"),
    Measure.LEDGER_LAG: About("pbx", "seconds", "话单延迟", "How far the ledger's reading is behind"),
    Measure.DISK_FREE: About("service", "percent", "磁盘剩余空间", "Free space of a volume"),
    Measure.EVENT: About("service", "yes_no", "事件告警", "Alarms that are raised by what happens"),
}

SURROUNDINGS = frozenset({Measure.PBX_AWAY, Measure.TRUNK_DOWN, Measure.LEDGER_LAG, Measure.DISK_FREE})
"""Seen by the engine of a PBX only; their subjects begin with its name."""
OF_CALLS = frozenset({Measure.SERVICE_LEVEL, Measure.ABANDON_RATE, Measure.UNANSWERED_CALLS})
"""Counted over a window of calls: dear (0.2 s for half an hour of 20 calls/s), and never changed much by a second."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of a rule, what the measuring needs."""

    measure: Measure
    window_minutes: int = 30
    minimum_calls: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """``value`` None: there is nothing to measure (no call in the window...). ``queues``: whom it concerns."""

    value: float | None
    queues: frozenset[str] = frozenset()


Readings = Mapping[str, Reading]
"""By subject: the name of a queue, the number of an agent, a PBX, ``<pbx>:<volume>``."""


@dataclass(frozen=True, slots=True)
class QueueNow:
    """What one look at a queue tells. ``calls``: figures by window in minutes."""

    waiting: int
    longest_wait_seconds: float
    available: int
    idle: int
    calls: Mapping[int, QueueFigures] = field(default_factory=dict)


_QUEUES = text("""
    SELECT queue.name,
           coalesce(waiting.callers, 0) AS waiting,
           coalesce(extract(epoch FROM CAST(:at AS timestamptz) - waiting.since), 0) AS longest_wait_seconds,
           coalesce(members.available, 0) AS available,
           coalesce(members.idle, 0) AS idle
    FROM queues AS queue
    LEFT JOIN (
        SELECT queue_name, count(*) AS callers, min(joined_at) AS since FROM waiting_callers GROUP BY queue_name
    ) AS waiting ON waiting.queue_name = queue.name
    LEFT JOIN (
        SELECT place.queue_name,
               count(*) FILTER (WHERE seat.registered) AS available,
               count(*) FILTER (WHERE seat.registered AND agent.activity = 'idle') AS idle
        FROM queue_memberships AS place
        JOIN agents AS agent ON agent.id = place.agent_id AND agent.wanted = 'available'
        JOIN seats AS seat ON seat.name = agent.seat_name
        GROUP BY place.queue_name
    ) AS members ON members.queue_name = queue.name
    WHERE queue.active
""")

# the same definitions as callcenter.calls.figures, for all queues and windows at once
_CALLS = text("""
    SELECT span.minutes, visit.queue_name,
           count(*) AS offered,
           count(*) FILTER (WHERE visit.outcome = 'answered') AS answered,
           count(*) FILTER (WHERE visit.outcome = 'abandoned') AS abandoned,
           count(*) FILTER (WHERE visit.outcome = 'overflowed') AS overflowed,
           count(*) FILTER (WHERE visit.outcome = 'moved') AS moved,
           count(*) FILTER (WHERE visit.outcome = 'lost') AS lost,
           count(*) FILTER (WHERE visit.outcome = 'open') AS open,
           count(*) FILTER (WHERE visit.outcome = 'abandoned'
                            AND visit.wait_seconds <= queue.short_abandon_seconds) AS short_abandoned,
           count(*) FILTER (WHERE visit.outcome = 'answered'
                            AND visit.wait_seconds <= queue.service_level_seconds) AS answered_in_time
    FROM unnest(CAST(:windows AS int[])) AS span (minutes)
    JOIN queue_visits_by_month AS visit
        ON visit.entered_at > CAST(:at AS timestamptz) - make_interval(mins => span.minutes)
        AND visit.entered_at > :oldest AND visit.entered_at <= :at
    JOIN queues AS queue ON queue.name = visit.queue_name AND queue.active
    GROUP BY span.minutes, visit.queue_name
""")

_AGENTS = text("""
    SELECT agent.number, agent.wanted, agent.activity,
           extract(epoch FROM CAST(:at AS timestamptz) - agent.wanted_since) AS wanted_seconds,
           extract(epoch FROM CAST(:at AS timestamptz) - agent.activity_since) AS activity_seconds,
           array_agg(place.queue_name) FILTER (WHERE place.queue_name IS NOT NULL) AS queues
    FROM agents AS agent
    LEFT JOIN queue_memberships AS place ON place.agent_id = agent.id
    WHERE agent.wanted <> 'logged_out'
    GROUP BY agent.id
""")


async def measure_people(
    session: AsyncSession, asked: Collection[Asked], at: datetime
) -> dict[Asked, dict[str, Reading]]:
    """The readings of all of ``asked`` that are of queues or agents, as of ``at``."""
    of_queues = [one for one in asked if MEASURES[one.measure].of == "queue"]
    of_agents = [one for one in asked if MEASURES[one.measure].of == "agent"]
    found: dict[Asked, dict[str, Reading]] = {}
    if of_queues:
        windows = {one.window_minutes for one in of_queues if one.measure in OF_CALLS}
        looked = await _look_at_queues(session, windows, at)
        for one in of_queues:
            found[one] = {name: Reading(value_of(one, queue), frozenset({name})) for name, queue in looked.items()}
    if of_agents:
        rows = (await session.execute(_AGENTS, {"at": at})).all()
        for one in of_agents:
            found[one] = _of_agents(one.measure, rows)
    return found


async def _look_at_queues(session: AsyncSession, windows: Collection[int], at: datetime) -> dict[str, QueueNow]:
    calls: dict[str, dict[int, QueueFigures]] = {}
    if windows:
        parameters = {"windows": sorted(windows), "at": at, "oldest": at - timedelta(minutes=max(windows))}
        for row in await session.execute(_CALLS, parameters):
            calls.setdefault(row.queue_name, {})[row.minutes] = _figures(row)
    return {
        row.name: QueueNow(
            waiting=row.waiting,
            longest_wait_seconds=max(0.0, float(row.longest_wait_seconds)),
            available=row.available,
            idle=row.idle,
            calls=calls.get(row.name, {}),
        )
        for row in await session.execute(_QUEUES, {"at": at})
    }


_COUNTED = ("offered", "answered", "abandoned", "overflowed", "moved", "lost", "open", "short_abandoned")
_UNUSED = ("wait_microseconds", "longest_wait_microseconds", "talk_microseconds", "rated", "rating_sum")


def _figures(row: Row[tuple[object, ...]]) -> QueueFigures:
    counted = {name: getattr(row, name) for name in (*_COUNTED, "answered_in_time")}
    return QueueFigures(**counted, **dict.fromkeys(_UNUSED, 0))


def value_of(asked: Asked, queue: QueueNow) -> float | None:
    """The value of one measure of a queue; None: there is nothing to measure. Pure."""
    match asked.measure:
        case Measure.LONGEST_WAIT:
            return queue.longest_wait_seconds
        case Measure.WAITING_CALLERS:
            return queue.waiting
        case Measure.UNATTENDED_CALLERS:
            return 0 if queue.available else queue.waiting
        case Measure.AGENTS_AVAILABLE:
            return queue.available
        case Measure.AGENTS_IDLE:
            return queue.idle
    figures = queue.calls.get(asked.window_minutes)
    if asked.measure is Measure.UNANSWERED_CALLS:
        return figures.abandoned - figures.short_abandoned + figures.overflowed if figures else 0
    if figures is None or figures.offered < asked.minimum_calls:
        return None
    if asked.measure is Measure.SERVICE_LEVEL:
        return None if figures.service_level is None else 100 * figures.service_level
    counted = figures.offered - figures.short_abandoned
    return 100 * (figures.abandoned - figures.short_abandoned) / counted if counted else None


def _of_agents(measure: Measure, rows: Iterable[Row[tuple[object, ...]]]) -> dict[str, Reading]:
    found = {}
    for row in rows:
        if measure is Measure.AGENT_PAUSED:
            seconds = row.wanted_seconds if row.wanted == "paused" else 0
        else:
            activity = "on_call" if measure is Measure.AGENT_ON_CALL else "wrap_up"
            seconds = row.activity_seconds if row.activity == activity else 0
        found[row.number] = Reading(max(0.0, float(seconds)), frozenset(row.queues or ()))
    return found
