"""The open sockets of one process: what waits to be sent to each, and who reads for them."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from uuid import UUID

from prometheus_client import Gauge

from callcenter.core.waiting import wait_at_most
from callcenter.desk.frames import CloseCode

MAX_WAITING_FRAMES = 100
"""Of kept messages that wait for a slow client; the rest waits in the database."""

_OPEN = Gauge("callcenter_desk_sockets", "Open sockets of agents' desks in this process.")


class DeskConnection:
    """One agent's open socket.

    ``sent``: the number up to which messages are on their way. ``opened_at_sequence``: of the message that ended the
    sockets before this one. ``login_digest``: the log-in it ends with.
    """

    def __init__(self, agent_id: UUID, login_digest: bytes, *, sent: int, opened_at_sequence: int) -> None:
        self.agent_id = agent_id
        self.login_digest = login_digest
        self.sent = sent
        self.opened_at_sequence = opened_at_sequence
        self.is_behind = False
        """Whether more is kept for it than there was room for."""
        self.close_code: CloseCode | None = None
        self._frames: deque[str] = deque()
        self._queues: str | None = None
        self._wake = asyncio.Event()

    @property
    def room(self) -> int:
        return MAX_WAITING_FRAMES - len(self._frames)

    def put(self, frame: str) -> None:
        self._frames.append(frame)
        self._wake.set()

    def put_queues(self, frame: str) -> None:
        """The newest takes the place of one that was not sent yet."""
        self._queues = frame
        self._wake.set()

    def end(self, code: CloseCode) -> None:
        """Close it, once what waits was sent."""
        self.close_code = self.close_code or code
        self._wake.set()

    async def take(self, at_most_seconds: float) -> list[str]:
        """All that waits to be sent; nothing after ``at_most_seconds`` of quiet, or when it is to be closed."""
        if not self._frames and self._queues is None and self.close_code is None:
            self._wake.clear()
            await wait_at_most(self._wake, at_most_seconds)
        frames = [*self._frames, *([self._queues] if self._queues is not None else ())]
        self._frames.clear()
        self._queues = None
        return frames


class Connections:
    """All of them, by agent. Normally one each: the newest ends the others."""

    def __init__(self) -> None:
        self._by_agent: dict[UUID, set[DeskConnection]] = defaultdict(set)

    def __iter__(self) -> Iterator[DeskConnection]:
        return (connection for connections in self._by_agent.values() for connection in connections)

    def of(self, agent_ids: Collection[UUID]) -> set[DeskConnection]:
        return {one for agent_id in agent_ids for one in self._by_agent.get(agent_id, ())}

    def agent_ids(self) -> list[UUID]:
        return list(self._by_agent)

    def add(self, connection: DeskConnection) -> None:
        self._by_agent[connection.agent_id].add(connection)
        _OPEN.inc()

    def remove(self, connection: DeskConnection) -> None:
        self._by_agent[connection.agent_id].remove(connection)
        if not self._by_agent[connection.agent_id]:
            del self._by_agent[connection.agent_id]
        _OPEN.dec()
