"""How the hotline does, for Prometheus: counted by the active engine from the database, every few seconds.

Names and counts only: no number, patient or agent. A spare engine shows none of these.
"""

from collections.abc import Iterable

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.db import Database

REFRESH_SECONDS = 10.0
"""Prometheus usually asks every 15 to 60 seconds."""

_ACTIVE = Gauge("callcenter_engine_active", "1 while this process is the active engine of its PBX.", ["pbx"])
_CALLS = Gauge("callcenter_calls_last_hour", "Calls that began in the last 60 minutes, by outcome.", ["outcome"])
_WAITING = Gauge("callcenter_queue_waiting_callers", "Callers who wait now.", ["queue"])
_LONGEST = Gauge("callcenter_queue_longest_wait_seconds", "Who waits longest has waited so long.", ["queue"])
_AGENTS = Gauge("callcenter_agents", "Agents by state: logged_out, paused, or what an available one does.", ["state"])
_ALARMS = Gauge("callcenter_alarms_open", "Alarms that nobody has acknowledged and that go on.", ["severity", "kind"])
_COMMANDS = Gauge(
    "callcenter_pbx_commands_last_hour", "What was asked of Asterisk in the last 60 minutes, by state.", ["state"]
)
_LABELLED = (_ACTIVE, _CALLS, _WAITING, _LONGEST, _AGENTS, _ALARMS, _COMMANDS)

_STATES = {
    _CALLS: ("answered", "abandoned", "self_service", "not_served", "lost", "open"),
    _AGENTS: ("logged_out", "paused", "idle", "ringing", "on_call", "wrap_up"),
    _COMMANDS: ("pending", "sent", "done", "failed", "unknown"),
}
"""Shown as zero when there is none, so that a rule can tell nothing from no answer."""

CALLS = "SELECT outcome, count(*) FROM calls_by_month WHERE started_at > now() - interval '1 hour' GROUP BY outcome"
QUEUES = """
SELECT q.name, count(w.uniqueid), coalesce(extract(epoch FROM now() - min(w.joined_at)), 0)
FROM queues q LEFT JOIN waiting_callers w ON w.queue_name = q.name AND w.pbx = :pbx GROUP BY q.name
"""
AGENTS = """
SELECT CASE WHEN wanted = 'available' OR activity <> 'idle' THEN activity ELSE wanted END, count(*)
FROM agents GROUP BY 1
"""
ALARMS = """
SELECT severity, kind, count(*) FROM alarms WHERE acknowledged_at IS NULL AND cleared_at IS NULL
GROUP BY severity, kind
"""
COMMANDS = """
SELECT state, count(*) FROM pbx_commands WHERE pbx = :pbx AND created_at > now() - interval '1 hour' GROUP BY state
"""


class HotlineMetrics:
    """Of one active engine: :meth:`refresh` while it leads, :meth:`clear` when it no longer does."""

    def __init__(self, database: Database, pbx: str) -> None:
        self._database = database
        self._pbx = pbx

    async def refresh(self) -> None:
        """Count again; what is there no more is shown no more."""
        async with self._database.transaction() as session:
            calls = await self._counts(session, CALLS)
            queues = (await session.execute(text(QUEUES), {"pbx": self._pbx})).all()
            agents = await self._counts(session, AGENTS)
            alarms = (await session.execute(text(ALARMS))).all()
            commands = await self._counts(session, COMMANDS)
        _ACTIVE.labels(self._pbx).set(1)
        _show(_CALLS, calls)
        _show(_AGENTS, agents)
        _show(_COMMANDS, commands)
        for gauge in (_WAITING, _LONGEST, _ALARMS):
            gauge.clear()
        for name, callers, seconds in queues:
            _WAITING.labels(name).set(callers)
            _LONGEST.labels(name).set(max(0.0, float(seconds)))
        for severity, kind, count in alarms:
            _ALARMS.labels(severity, kind).set(count)

    def clear(self) -> None:
        """This process does not know any more."""
        for gauge in _LABELLED:
            gauge.clear()

    async def _counts(self, session: AsyncSession, query: str) -> list[tuple[str, int]]:
        parameters = {"pbx": self._pbx} if ":pbx" in query else {}
        return [(row[0], row[1]) for row in (await session.execute(text(query), parameters)).all()]


def _show(gauge: Gauge, counts: Iterable[tuple[str, int]]) -> None:
    found = dict.fromkeys(_STATES[gauge], 0) | dict(counts)
    for state, count in found.items():
        gauge.labels(state).set(count)
