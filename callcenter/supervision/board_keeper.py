"""One live board for all who watch it in this process, kept only while somebody does.

The bus says what changed; it is read again at most four times a second, compared, and the difference sent to every
watcher, encoded once for all who may see the same. Who reads too slowly misses nothing: they get the whole board again.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson

from callcenter.agents.service import TOPIC as AGENTS_TOPIC
from callcenter.core.alarms import TOPIC as ALARMS_TOPIC
from callcenter.core.background import Background
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.http import DatabaseUnavailable
from callcenter.core.jobs import keep_running
from callcenter.core.waiting import wait_at_most
from callcenter.queues.service import TOPIC as QUEUES_TOPIC
from callcenter.supervision.board import Board, Changes, Scope, change_frame, whole_frame
from callcenter.supervision.board_reading import BoardReader

TOPIC = "supervision"
"""Announced when something changed that is not read at each change: who serves a queue, whether it is open."""

FRAME_SECONDS = 0.25
"""At most four frames a second."""
CALLS_SECONDS = 2.0
"""As often as the ledger's reader writes the calls that go on."""
WHOLE_SECONDS = 5.0
START_SECONDS = 5.0
LINGER_SECONDS = 10.0
"""After the last watcher has left: a page that is opened again finds the board kept."""
MOST_FRAMES = 16
"""That wait for a slow reader: four seconds of a busy board."""


class Watcher:
    """One who watches. The frames that are to be sent to them, at most MOST_FRAMES."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._is_behind = True

    def put(self, frame: bytes) -> None:
        """To be sent; one too many, and all are dropped for the whole board."""
        if self._is_behind:
            return
        if len(self._frames) >= MOST_FRAMES:
            self.fall_behind()
            return
        self._frames.append(frame)
        self._news.set()

    def see(self, scope: Scope) -> None:
        """From now on what ``scope`` may see."""
        if scope != self.scope:
            self.scope = scope
            self.fall_behind()

    def fall_behind(self) -> None:
        """The next that they get is the whole board."""
        self._is_behind = True
        self._frames.clear()
        self._news.set()

    async def next(self, keeper: "BoardKeeper", within_seconds: float) -> bytes | None:
        """What is to be sent next; None: nothing happened for so long."""
        if not self._is_behind and not self._frames:
            self._news.clear()
            await wait_at_most(self._news, within_seconds)
        if self._is_behind:
            self._is_behind = False
            return keeper.whole(self.scope)
        return self._frames.popleft() if self._frames else None


class BoardKeeper:
    """The board of one api process."""

    def __init__(
        self, settings: Settings, database: Database, background: Background, linger_seconds: float = LINGER_SECONDS
    ) -> None:
        self._settings = settings
        self._linger_seconds = linger_seconds
        self._database = database
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_read = asyncio.Event()
        self._board = Board()
        self._wake = asyncio.Event()
        self._agents: set[str] = set()
        self._is_waiting_due = self._are_alarms_due = self._is_whole_due = False
        background.bus.subscribe(AGENTS_TOPIC, self._on_agents, self._on_gap)
        background.bus.subscribe(QUEUES_TOPIC, self._on_queues)
        background.bus.subscribe(ALARMS_TOPIC, self._on_alarms)
        background.bus.subscribe(TOPIC, lambda _ids: self._on_gap())
        background.add("board", self._until_the_end)

    @property
    def is_running(self) -> bool:
        """False: it failed by a defect, and no frame will come."""
        return self._task is not None and not self._task.done()

    @asynccontextmanager
    async def watch(self, scope: Scope) -> AsyncIterator[Watcher]:
        """The board is kept at least until the end of the block. Raises DatabaseUnavailable."""
        watcher = Watcher(scope)
        self._watchers.add(watcher)
        try:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._keep(), name="board")
            if not await wait_at_most(self._is_read, START_SECONDS):
                raise DatabaseUnavailable
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                asyncio.get_running_loop().call_later(self._linger_seconds, self._stop_if_unwatched)

    def _stop_if_unwatched(self) -> None:
        if not self._watchers:
            self._stop()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._is_read.clear()

    async def tables(self, scope: Scope) -> Mapping[str, Any]:
        """The whole board once, as :func:`callcenter.supervision.board.whole_frame` gives it."""
        if self._is_read.is_set():
            return whole_frame(self._board.tables, scope)
        reader = BoardReader(self._settings)
        async with self._database.transaction() as session:
            await reader.read_whole(session)
        return whole_frame(reader.tables(), scope)

    def whole(self, scope: Scope) -> bytes:
        return encode_event("board", whole_frame(self._board.tables, scope))

    async def _keep(self) -> None:
        await keep_running("board", self._read_for_ever)

    async def _until_the_end(self) -> None:
        """The board ends with the process, watched or not."""
        try:
            await asyncio.Event().wait()
        finally:
            self._stop()

    async def _read_for_ever(self) -> None:
        reader = BoardReader(self._settings)
        whole_at = calls_at = float("-inf")
        self._is_whole_due = True
        while True:
            began = time.monotonic()
            async with self._database.transaction() as session:
                if self._is_whole_due or began >= whole_at + WHOLE_SECONDS:
                    self._take_due()
                    await reader.read_whole(session)
                    whole_at = calls_at = began
                else:
                    agents, is_waiting_due, are_alarms_due = self._take_due()
                    if agents:
                        await reader.read_agents(session, agents)
                    if is_waiting_due:
                        await reader.read_waiting(session)
                    if are_alarms_due:
                        await reader.read_alarms(session)
                    if began >= calls_at + CALLS_SECONDS:
                        await reader.read_calls(session)
                        calls_at = began
            self._send(self._board.replace(reader.tables()))
            self._is_read.set()
            await asyncio.sleep(max(0.0, began + FRAME_SECONDS - time.monotonic()))
            next_at = min(whole_at + WHOLE_SECONDS, calls_at + CALLS_SECONDS)
            await wait_at_most(self._wake, max(0.0, next_at - time.monotonic()))
            self._wake.clear()

    def _take_due(self) -> tuple[set[str], bool, bool]:
        due = self._agents, self._is_waiting_due, self._are_alarms_due
        self._agents = set()
        self._is_waiting_due = self._are_alarms_due = self._is_whole_due = False
        return due

    def _send(self, changes: Changes) -> None:
        if not changes:
            return
        frames: dict[Scope, bytes | None] = {}
        for watcher in self._watchers:
            if watcher.scope not in frames:
                frame = change_frame(changes, watcher.scope)
                frames[watcher.scope] = encode_event("change", frame) if frame else None
            if (encoded := frames[watcher.scope]) is not None:
                watcher.put(encoded)

    def _on_agents(self, numbers: list[str]) -> None:
        if self.is_running:
            self._agents.update(numbers)
            self._wake.set()

    def _on_queues(self, _names: list[str]) -> None:
        self._is_waiting_due = True
        self._wake.set()

    def _on_alarms(self, _ids: list[str]) -> None:
        self._are_alarms_due = True
        self._wake.set()

    def _on_gap(self) -> None:
        self._is_whole_due = True
        self._wake.set()


def encode_event(kind: str, data: Mapping[str, Any]) -> bytes:
    """A server-sent event."""
    body = orjson.dumps({"version": 1, "at": now(), **data}, option=orjson.OPT_UTC_Z)
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), body)
