"""Own queues now, to the open sockets: counted once for all of them, at most twice a second.

They are told one small group after the other: to send the same to hundreds of sockets at once would hold up, for a
tenth of a second and with each call that comes or goes, whatever else this process does.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from callcenter.core.db import Database
from callcenter.desk.connections import Connections, DeskConnection
from callcenter.desk.frames import QUEUES, passing_frame
from callcenter.queues import queries

PAUSE_SECONDS = 0.5
GROUP = 20
"""Sockets that are told at once, and then"""
GROUP_SECONDS = 0.05
"""nothing for so long."""
EMPTY: Mapping[str, Any] = {"waiting": 0, "waiting_since": None}


class QueueFeed:
    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections
        self._wake = asyncio.Event()
        self._members: dict[UUID, tuple[str, ...]] = {}
        """Agent to the names of their queues."""
        self._members_changed = False
        self._shown: dict[DeskConnection, list[dict[str, Any]]] = {}

    def on_queues(self, _names: list[str]) -> None:
        self._wake.set()

    def on_members(self, _names: list[str]) -> None:
        """Who serves which queue has changed."""
        self._members_changed = True
        self._wake.set()

    def on_gap(self) -> None:
        self.on_members([])

    def forget(self, connection: DeskConnection) -> None:
        self._shown.pop(connection, None)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._show()
            except BaseException:
                self._wake.set()
                raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _show(self) -> None:
        connections = list(self._connections)
        if not connections:
            return
        if self._members_changed:
            self._members, self._members_changed = {}, False
        unknown = {one.agent_id for one in connections} - self._members.keys()
        async with self._database.transaction() as session:
            if unknown:
                found = await queries.list_queues_of(session, unknown)
                self._members |= {agent_id: tuple(found.get(agent_id, ())) for agent_id in unknown}
            waiting = await queries.count_waiting(session)
        now_in = {name: {"waiting": count, "waiting_since": since} for name, count, since in waiting}
        frames: dict[tuple[str, ...], tuple[list[dict[str, Any]], str]] = {}
        due: list[tuple[DeskConnection, str]] = []
        for connection in connections:
            names = self._members.get(connection.agent_id, ())
            if names not in frames:
                rows = [{"queue": name, **now_in.get(name, EMPTY)} for name in names]
                frames[names] = rows, passing_frame(QUEUES, {"queues": rows})
            rows, frame = frames[names]
            if self._shown.get(connection) != rows:
                self._shown[connection] = rows
                due.append((connection, frame))
        for place, (connection, frame) in enumerate(due):
            if place and place % GROUP == 0:
                await asyncio.sleep(GROUP_SECONDS)
            connection.put_queues(frame)
