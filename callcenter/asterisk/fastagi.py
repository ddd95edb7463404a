"""Our FastAGI server: Asterisk connects per visit of a call, a handler converses with the channel.

Whatever is no AGI request (port scan, garbage, slow loris) costs one closed connection. A conversation that fails
is closed; the dialplan's sentinel then sends the caller to a person (architecture.md, 4.5). It stands in for
panoramisk's server, whose faults are shown beside their cures in tests/unit/asterisk/test_fastagi_stock.py.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from callcenter.asterisk.agi_channel import MAX_BLOCK_BYTES, AgiChannel, AgiRequest, Recording, parse_request
from callcenter.asterisk.errors import CallerHungUp

__all__ = ["AgiChannel", "AgiRequest", "FastAgiServer", "Recording"]

log = structlog.get_logger(__name__)


class FastAgiServer:
    """Listens for Asterisk and runs ``handler`` once per connection; port 0 takes a free one (see :attr:`port`)."""

    def __init__(
        self,
        host: str,
        port: int,
        handler: Callable[[AgiChannel], Awaitable[None]],
        max_connections: int = 2000,
        *,
        request_timeout_seconds: float = 5.0,
    ) -> None:
        self._host = host
        self._port = port
        self._handler = handler
        self._max_connections = max_connections
        self._request_timeout_seconds = request_timeout_seconds
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._is_full = False

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(
            self._serve, self._host, self._port, limit=MAX_BLOCK_BYTES, backlog=512
        )
        self._port = self._server.sockets[0].getsockname()[1]

    def stop_accepting(self) -> None:
        """New calls are refused, which the dialplan answers with its fall-back at once; running ones go on."""
        if self._server is not None:
            self._server.close()

    async def drain(self, seconds: float) -> int:
        """Wait for running conversations; returns how many are still there after ``seconds``."""
        if self._connections:
            await asyncio.wait(set(self._connections), timeout=seconds)
        return len(self._connections)

    async def close(self) -> None:
        """Stop, and end what is still running: those calls go to the dialplan's fall-back."""
        self.stop_accepting()
        running = dict(self._connections)
        for task, writer in running.items():
            task.cancel()
            writer.transport.abort()
        if running:
            await asyncio.wait(set(running))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._refuse_when_full(writer):
            return
        self._connections[task] = writer
        try:
            request = await self._read_request(reader)
            if request is not None:
                await self._converse(AgiChannel(request, reader, writer))
        finally:
            del self._connections[task]
            writer.close()

    def _refuse_when_full(self, writer: asyncio.StreamWriter) -> bool:
        full = len(self._connections) >= self._max_connections
        if full and not self._is_full:
            log.error("agi_server_full", connections=len(self._connections))
        self._is_full = full
        if full:
            writer.close()
        return full

    async def _read_request(self, reader: asyncio.StreamReader) -> AgiRequest | None:
        """None for whatever is no AGI request; its content is nobody's business, so it is not logged."""
        try:
            async with asyncio.timeout(self._request_timeout_seconds):
                return parse_request(await reader.readuntil(b"\n\n"))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            log.debug("agi_connection_dropped", reason=type(error).__name__)
            return None

    async def _converse(self, channel: AgiChannel) -> None:
        try:
            await self._handler(channel)
        except CallerHungUp:
            log.debug("agi_caller_hung_up", uniqueid=channel.variables["uniqueid"])
        except Exception:
            log.exception("agi_handler_failed", uniqueid=channel.variables["uniqueid"], path=channel.path)
