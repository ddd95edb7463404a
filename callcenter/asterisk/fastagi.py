"""Our FastAGI server: Asterisk connects per visit of a call, a handler converses with the channel.

Whatever is no AGI request (port scan, garbage, slow loris) costs one closed connection. A flood of them takes no
place from callers: who has not told its request yet waits in places of its own, and the oldest gives way to the next.
A conversation that fails is closed; the dialplan's sentinel then sends the caller to a person (architecture.md, 4.5).
It stands in for panoramisk's server, whose faults are shown beside their cures in
tests/unit/asterisk/test_fastagi_stock.py.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter, Gauge

from callcenter.asterisk.agi_channel import MAX_BLOCK_BYTES, AgiChannel, AgiRequest, Recording, parse_request
from callcenter.asterisk.errors import CallerHungUp

__all__ = ["AgiChannel", "AgiRequest", "FastAgiServer", "Recording"]

log = structlog.get_logger(__name__)

MAX_CONVERSATIONS = 2000
MAX_NEWCOMERS = 256
"""Connections that have not told their request yet, of 16 kB each at most. Asterisk tells its own at once."""
REQUEST_TIMEOUT_SECONDS = 2.0
"""After these the dialplan has sent the caller to a person anyway (extensions.conf.j2, [flow])."""
_BACKLOG = 1024

_CONNECTIONS = Gauge("callcenter_agi_connections", "FastAGI connections now.", ["stage"])
_CONVERSATIONS = _CONNECTIONS.labels("conversation")
_NEWCOMERS = _CONNECTIONS.labels("newcomer")
_DROPPED = Counter("callcenter_agi_dropped", "FastAGI connections closed without a conversation.", ["reason"])


class FastAgiServer:
    """Listens for Asterisk and runs ``handler`` once per connection; port 0 takes a free one (see :attr:`port`).

    ``shared``: other processes may listen there too; the kernel spreads connections over those that live.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handler: Callable[[AgiChannel], Awaitable[None]],
        *,
        max_conversations: int = MAX_CONVERSATIONS,
        max_newcomers: int = MAX_NEWCOMERS,
        request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
        shared: bool = False,
    ) -> None:
        self._host = host
        self._port = port
        self._handler = handler
        self._max_conversations = max_conversations
        self._max_newcomers = max_newcomers
        self._request_timeout_seconds = request_timeout_seconds
        self._shared = shared
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._newcomers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        """Oldest first."""
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._is_full = False

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(
            self._accept, self._host, self._port, limit=MAX_BLOCK_BYTES, backlog=_BACKLOG, reuse_port=self._shared
        )
        self._port = self._server.sockets[0].getsockname()[1]

    def stop_accepting(self) -> None:
        """New calls are refused, which the dialplan answers with its fall-back at once; running ones go on."""
        if self._server is not None:
            self._server.close()

    async def drain(self, seconds: float) -> int:
        """Wait for running conversations; returns how many are still there after ``seconds``."""
        running = set(self._newcomers) | set(self._conversations)
        if running:
            _, running = await asyncio.wait(running, timeout=seconds)
        return len(running)

    async def close(self) -> None:
        """Stop, and end what is still running: those calls go to the dialplan's fall-back."""
        self.stop_accepting()
        running = self._newcomers | self._conversations
        for task, writer in running.items():
            task.cancel()
            writer.transport.abort()
        if running:
            await asyncio.wait(set(running))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A task of our own: before Python 3.12 asyncio calls it an error when one that it made is cancelled."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        try:
            request = await self._welcome(task, reader, writer)
            if request is not None and self._has_room():
                self._conversations[task] = writer
                _CONVERSATIONS.inc()
                try:
                    await self._converse(AgiChannel(request, reader, writer))
                finally:
                    del self._conversations[task]
                    _CONVERSATIONS.dec()
        finally:
            writer.close()

    async def _welcome(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AgiRequest | None:
        """Read the request in one of the newcomers' places; None for whatever is none."""
        if len(self._newcomers) >= self._max_newcomers:
            oldest = next(iter(self._newcomers))
            self._newcomers.pop(oldest).transport.abort()
            _NEWCOMERS.dec()
            _DROPPED.labels("gave_way").inc()
        self._newcomers[task] = writer
        _NEWCOMERS.inc()
        try:
            return await self._read_request(reader)
        finally:
            if self._newcomers.pop(task, None) is not None:
                _NEWCOMERS.dec()

    def _has_room(self) -> bool:
        full = len(self._conversations) >= self._max_conversations
        if full and not self._is_full:
            log.error("agi_server_full", conversations=len(self._conversations))
        self._is_full = full
        if full:
            _DROPPED.labels("full").inc()
        return not full

    async def _read_request(self, reader: asyncio.StreamReader) -> AgiRequest | None:
        """None for whatever is no AGI request; its content is nobody's business, so it is not logged."""
        try:
            async with asyncio.timeout(self._request_timeout_seconds):
                return parse_request(await reader.readuntil(b"\n\n"))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            log.debug("agi_connection_dropped", reason=type(error).__name__)
            _DROPPED.labels(type(error).__name__).inc()
            return None

    async def _converse(self, channel: AgiChannel) -> None:
        try:
            await self._handler(channel)
        except CallerHungUp:
            log.debug("agi_caller_hung_up", uniqueid=channel.variables["uniqueid"])
        except Exception:
            log.exception("agi_handler_failed", uniqueid=channel.variables["uniqueid"], path=channel.path)
