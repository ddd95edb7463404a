"""The live board read from the database: what changes often by itself, the rest every few seconds."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calendar.public_days import Place
from callcenter.calendar.service import get_opening
from callcenter.core.clock import Clock, now
from callcenter.core.config import Settings
from callcenter.supervision import board_queries
from callcenter.supervision.board import (
    AGENTS,
    ALARMS,
    MENUS,
    QUEUES,
    TRUNKS,
    WAITING,
    Row,
    Rows,
    by_key,
    count_agents,
    expected_wait_seconds,
    no_agents,
)
from callcenter.supervision.quarter_hours import Counts, DayFigures, TodayFigures

CLOSED_BY_SUPERVISOR, SWITCHED_OFF = "closed_by_supervisor", "switched_off"
_NOTHING = DayFigures(Counts(), Counts())


class BoardReader:
    """What was read last of each part; :meth:`tables` puts the board together from it."""

    def __init__(self, settings: Settings, clock: Clock = now) -> None:
        self._place = Place.of(settings)
        self._trunk_channels = settings.trunk_channels
        self._pbx = settings.pbx_name
        self._clock = clock
        self._figures = TodayFigures()
        self._queues: list[dict[str, Any]] = []
        self._openings: Mapping[str | None, str] = {}
        self._of_day: Mapping[str, DayFigures] = {}
        self._waiting: list[Row] = []
        self._agents: dict[str, dict[str, Any]] = {}
        self._calls: dict[str, dict[str, Any]] = {}
        self._alarms: list[Row] = []

    async def read_whole(self, session: AsyncSession) -> None:
        """Everything, so that nothing that was missed stays wrong."""
        at = self._clock()
        self._queues = await board_queries.list_queues(session)
        self._openings = await self._read_openings(session, at)
        self._of_day = await self._figures.read(session, self._today(at), at)
        self._agents = {row["number"]: row for row in await board_queries.list_agents(session)}
        await self.read_waiting(session)
        await self.read_calls(session)
        await self.read_alarms(session)

    async def read_waiting(self, session: AsyncSession) -> None:
        self._waiting = await board_queries.list_waiting(session)

    async def read_agents(self, session: AsyncSession, numbers: Collection[str]) -> None:
        self._agents |= {row["number"]: row for row in await board_queries.list_agents(session, numbers)}

    async def read_calls(self, session: AsyncSession) -> None:
        calls = await board_queries.list_open_calls(session, self._clock())
        self._calls = {call["id"]: call for call in calls}

    async def read_alarms(self, session: AsyncSession) -> None:
        self._alarms = await board_queries.list_alarms(session)

    def tables(self) -> dict[str, Rows]:
        """The board of now."""
        agents = [self._with_queue(agent) for agent in self._agents.values()]
        waiting: dict[str, list[Row]] = {}
        for caller in self._waiting:
            waiting.setdefault(caller["queue"], []).append(caller)
        counts = count_agents(agents)
        queues = [
            self._queue_row(queue, waiting.get(queue["name"], []), counts.get(queue["name"], no_agents()))
            for queue in self._queues
        ]
        menus = [row for call in self._calls.values() if (row := board_queries.menu_row(call)) is not None]
        in_use = sum(call["trunk_legs"] for call in self._calls.values())
        trunk = {"name": self._pbx, "in_use": in_use, "channels": self._trunk_channels or None}
        return {
            QUEUES: by_key(QUEUES, queues),
            WAITING: by_key(WAITING, self._waiting),
            AGENTS: by_key(AGENTS, agents),
            MENUS: by_key(MENUS, menus),
            ALARMS: by_key(ALARMS, self._alarms),
            TRUNKS: by_key(TRUNKS, [trunk]),
        }

    def _with_queue(self, agent: dict[str, Any]) -> Row:
        call = self._calls.get(agent["call_id"] or "")
        return agent | {"queue": call["queue_name"]} if call and agent["queue"] is None else agent

    def _queue_row(self, queue: dict[str, Any], waiting: list[Row], agents: Mapping[str, int]) -> Row:
        figures = self._of_day.get(queue["name"], _NOTHING)
        expected = expected_wait_seconds(
            waiting=len(waiting),
            idle=agents["idle"],
            serving=sum(agents.values()) - agents["paused"],
            handle_seconds=figures.recent.mean_talk_seconds or figures.today.mean_talk_seconds,
        )
        return {
            "name": queue["name"],
            "label_zh": queue["label_zh"],
            "label_en": queue["label_en"],
            "opening": self._opening(queue),
            "closed_at": queue["closed_at"],
            "closed_by": queue["closed_by"],
            "waiting": len(waiting),
            "waiting_since": min((caller["joined_at"] for caller in waiting), default=None),
            "expected_wait_seconds": expected,
            "service_level_seconds": queue["service_level_seconds"],
            "agents": agents,
            "today": _figures_row(figures.today),
            "last_30_minutes": _figures_row(figures.recent),
        }

    def _opening(self, queue: Mapping[str, Any]) -> str:
        if not queue["active"]:
            return SWITCHED_OFF
        if queue["closed_at"] is not None:
            return CLOSED_BY_SUPERVISOR
        return self._openings[queue["schedule_name"]]

    async def _read_openings(self, session: AsyncSession, at: datetime) -> dict[str | None, str]:
        schedules = {queue["schedule_name"] for queue in self._queues}
        return {name: (await get_opening(session, name, at, place=self._place)).state for name in schedules}

    def _today(self, at: datetime) -> datetime:
        return at.astimezone(self._place.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _figures_row(counts: Counts) -> Row:
    return {
        "offered": counts.offered,
        "answered": counts.answered,
        "abandoned": counts.abandoned,
        "service_level": None if counts.service_level is None else round(counts.service_level, 4),
    }
