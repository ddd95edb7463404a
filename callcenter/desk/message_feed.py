"""Kept messages to the open sockets: one query for all that are due, however many they are.

A socket that opens is due at once, from the number that its client has: what is announced while it is read makes it
due again, so nothing falls between.
"""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from prometheus_client import Histogram

from callcenter.agents import queries
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.desk.connections import Connections, DeskConnection
from callcenter.desk.frames import SUPERSEDED, CloseCode, kept_frame

_DELAY = Histogram(
    "callcenter_desk_message_delay_seconds",
    "From a message's time to its frame waiting at the socket, of what was told while the socket was open.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5),
)


class MessageFeed:
    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections
        self._due: set[DeskConnection] = set()
        self._wake = asyncio.Event()

    def on_messages(self, ids: list[str]) -> None:
        """Announced: agents whose desks were told something."""
        self.want(self._connections.of([UUID(one) for one in ids]))

    def on_gap(self) -> None:
        """What was announced meanwhile is unknown."""
        self.want(self._connections)

    def want(self, connections: Iterable[DeskConnection]) -> None:
        """Read for these."""
        self._due.update(connections)
        if self._due:
            self._wake.set()

    def forget(self, connection: DeskConnection) -> None:
        self._due.discard(connection)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = [one for one in self._due if one.room > 0 and one.close_code is None], set()
            try:
                await self._read(due)
            except BaseException:
                self.want(due)
                raise

    async def _read(self, due: list[DeskConnection]) -> None:
        if not due:
            return
        wishes = [(one.agent_id, one.sent, one.room) for one in due]
        async with self._database.transaction() as session:
            found = await queries.list_messages_after(session, wishes)
        counts = [0] * len(due)
        at = now()
        for place, message in found:
            connection = due[place]
            counts[place] += 1
            connection.sent = message.sequence
            if message.type == SUPERSEDED and message.sequence <= connection.opened_at_sequence:
                continue  # by this very socket, or by one before it
            connection.put(kept_frame(message))
            if message.sequence > connection.opened_at_sequence:
                _DELAY.observe(max(0.0, (at - message.at).total_seconds()))
            if message.type == SUPERSEDED:
                connection.end(CloseCode.SUPERSEDED)
        for connection, count, (_agent_id, _after, room) in zip(due, counts, wishes, strict=True):
            connection.is_behind = count == room
