"""A wire that can be cut: stands between one of our processes and a server, and does to bytes what networks do."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import Self

from tests.support.ports import free_port

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Stream]]

CHUNK_BYTES = 16 * 1024
TRICKLE_BYTES = 24
TRICKLE_SECONDS = 0.2
RECEIVE_BUFFER_BYTES = 4096
"""Small, so that the server feels a slow reader soon."""


class _Mode(Enum):
    PASSES = auto()
    CUT = auto()
    BLACK_HOLE = auto()
    TRICKLES = auto()


class LinkProxy:
    """``async with``; the mode set holds for connections that are there and for those to come.

    ``to_server``: every byte that reached the server, over all connections.
    """

    def __init__(self, connect: Connect, listen: Callable[[Callable[..., None]], Awaitable[asyncio.Server]]):
        self._connect = connect
        self._listen = listen
        self._mode = _Mode.PASSES
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.to_server = bytearray()

    async def __aenter__(self) -> Self:
        self._server = await self._listen(self._accept)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._reset()

    # -- what the network does

    def passes(self) -> None:
        """All is well (again). What a black hole kept arrives now, late."""
        self._set(_Mode.PASSES)

    def is_cut(self) -> None:
        """Every connection is reset, new ones too."""
        self._set(_Mode.CUT)
        self._reset()

    def swallows(self) -> None:
        """Nothing passes and nobody is told, not even of a close."""
        self._set(_Mode.BLACK_HOLE)

    def trickles(self) -> None:
        """What the server says passes a few bytes at a time."""
        self._set(_Mode.TRICKLES)

    def _set(self, mode: _Mode) -> None:
        self._mode = mode
        if mode is _Mode.BLACK_HOLE:
            self._flows.clear()
        else:
            self._flows.set()

    def _reset(self) -> None:
        for writer in list(self._writers):
            _abort(writer)

    # -- one connection

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A task of our own: before Python 3.12 asyncio calls it an error when one that it made is cancelled."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            if self._mode is _Mode.CUT:
                return
            answers, there = await self._connect()
            self._writers.add(there)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, there, from_server=False))
                pumps.create_task(self._pump(answers, writer, from_server=True))
        except (OSError, ExceptionGroup):
            pass  # a connection ended in the middle: that is what this is for
        finally:
            for one in (writer, there):
                if one is not None:
                    self._writers.discard(one)
                    _abort(one)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_server: bool) -> None:
        while True:
            await self._flows.wait()
            slow = from_server and self._mode is _Mode.TRICKLES
            data = await reader.read(TRICKLE_BYTES if slow else CHUNK_BYTES)
            await self._flows.wait()  # what was read just before it stays in the hole
            if not data:
                writer.close()
                return
            if not from_server:
                self.to_server += data
            writer.write(data)
            await writer.drain()
            if slow:
                await asyncio.sleep(TRICKLE_SECONDS)


def tcp_proxy(host: str, port: int) -> tuple[LinkProxy, int]:
    """A proxy before ``host:port``, and the port of this machine at which it listens."""
    here = free_port()

    async def connect() -> Stream:
        wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        wire.setblocking(False)
        await asyncio.get_running_loop().sock_connect(wire, (host, port))
        return await asyncio.open_connection(sock=wire, limit=RECEIVE_BUFFER_BYTES)

    async def listen(serve: Callable[..., None]) -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", here)

    return LinkProxy(connect, listen), here


def unix_proxy(path: Path, here: Path) -> LinkProxy:
    """A proxy before the socket ``path``, listening at ``here``."""

    async def connect() -> Stream:
        return await asyncio.open_unix_connection(path)

    async def listen(serve: Callable[..., None]) -> asyncio.Server:
        return await asyncio.start_unix_server(serve, here)

    return LinkProxy(connect, listen)


def _abort(writer: asyncio.StreamWriter) -> None:
    wire = writer.get_extra_info("socket")
    if wire is not None and wire.family == socket.AF_INET:
        with suppress(OSError):  # closed already
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST, not FIN
    writer.transport.abort()
