"""A client of the desk's socket, as a page or a hospital's CRM would be (docs/agent-api.md)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_SECONDS = 20.0
PATH = "/api/v1/agents/me/socket"

Frame = dict[str, Any]


class DeskClient:
    """``last``: the highest number received; pass it as ``after`` to resume."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.last: int | None = None
        self.frames: list[Frame] = []

    async def receive(self) -> Frame:
        """The next frame; fails when there is none in time. Raises ConnectionClosed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            frame: Frame = orjson.loads(await self.socket.recv())
        self.frames.append(frame)
        if frame["sequence"] is not None:
            assert self.last is None or frame["sequence"] > self.last, frame
            self.last = frame["sequence"]
        return frame

    async def expect(self, type: str, **after: Any) -> Frame:  # noqa: A002
        """The next frame of this type, in whose ``after`` this stands; others before it are passed over."""
        while True:
            frame = await self.receive()
            if frame["type"] == type and {key: (frame["after"] or {}).get(key) for key in after} == after:
                return frame

    async def closed(self) -> int:
        """Read to the end; the code with which the service closes it."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code


async def new_ticket(address: str, headers: dict[str, str]) -> str:
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as http:
        answer = await http.post("/api/v1/agents/me/tickets", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ticket"])


@asynccontextmanager
async def opened(address: str, first_frame: str | bytes, *, origin: str | None = None) -> AsyncIterator[DeskClient]:
    """A socket that has sent this and nothing else."""
    headers = {"Origin": origin} if origin else None
    uri = address.replace("http://", "ws://", 1) + PATH
    async with connect(uri, additional_headers=headers, proxy=None) as socket:
        await socket.send(first_frame)
        yield DeskClient(socket)


@asynccontextmanager
async def desk(
    address: str, headers: dict[str, str], *, after: int | None = None, origin: str | None = None
) -> AsyncIterator[DeskClient]:
    """The socket of the agent who is logged in with ``headers``, said hello to: ``frames[0]``."""
    first = {"version": 1, "ticket": await new_ticket(address, headers), "after": after}
    async with opened(address, orjson.dumps(first).decode(), origin=origin) as client:
        hello = await client.receive()
        assert hello["type"] == "hello", hello
        client.last = after if hello["after"]["resumed"] else hello["after"]["sequence"]
        yield client
