"""A real web server on loopback that takes webhooks, its answers chosen by each test."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Received:
    """``headers`` by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class WebhookServer:
    """``answer(request)``: the status line's rest and more header lines; None: no answer, the line stays open."""

    port: int = 0
    answer: Callable[[Received], tuple[str, ...] | None] = lambda _request: ("200 OK",)
    requests: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Received(head[0].split()[1], headers, body)
            self.requests.append(request)
            answer = self.answer(request)
            if answer is None:
                await reader.read()  # until the other side gives up
            else:
                lines = [f"HTTP/1.1 {answer[0]}", *answer[1:], "Content-Length: 0", "Connection: close", "", ""]
                writer.write("\r\n".join(lines).encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it hung up: that is what some tests are about
        finally:
            writer.close()


@asynccontextmanager
async def webhook_server(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[WebhookServer]:
    behaviour = WebhookServer()
    listener = await asyncio.start_server(behaviour.serve, "127.0.0.1", 0, ssl=tls)
    behaviour.port = listener.sockets[0].getsockname()[1]
    try:
        yield behaviour
    finally:
        listener.close()
