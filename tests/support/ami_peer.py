"""A server that speaks AMI as Asterisk 22 does, as far as a test lets it; and the two clients under test."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from panoramisk.manager import Manager

from callcenter.asterisk.manager import AmiSession

SECRET = "ami-secret-of-the-test"
Action = dict[str, str]


async def eventually(condition: Callable[[], object], *, within_seconds: float = 10.0) -> None:
    """Poll until ``condition()`` is true; fail at the deadline."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


class AmiLink:
    """One accepted connection. ``actions`` are what Asterisk would have understood, in order."""

    def __init__(self, peer: "AmiPeer", writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self.actions: list[Action] = []
        self.closed = False
        self._writer = writer

    def write(self, data: str | bytes) -> None:
        self._writer.write(data.encode() if isinstance(data, str) else data)

    def event(self, kind: str, **headers: str) -> None:
        self.write(message(Event=kind, **headers))

    def respond(self, action: Action, response: str = "Success", **headers: str) -> None:
        self.write(message(Response=response, ActionID=action.get("ActionID", ""), **headers))

    def drop(self) -> None:
        self._writer.transport.abort()

    async def drained(self) -> None:
        await self._writer.drain()


class AmiPeer:
    """``on_action`` sees every action but Login and Ping first; it returns True if it dealt with it."""

    def __init__(self) -> None:
        self.links: list[AmiLink] = []
        self.port = 0
        self.login_reply: tuple[str, str] | None = ("Success", "Authentication accepted")
        self.answers_pings = True
        self.on_action: Callable[[AmiLink, Action], bool] = lambda link, action: False
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """As if Asterisk died."""
        assert self._server is not None
        self._server.close()
        for link in self.links:
            link.drop()

    @property
    def link(self) -> AmiLink:
        """The newest connection."""
        return self.links[-1]

    def seen(self, name: str) -> list[Action]:
        """The actions of that name, over all connections."""
        return [action for link in self.links for action in link.actions if action.get("Action") == name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = AmiLink(self, writer)
        self.links.append(link)
        link.write("Asterisk Call Manager/11.0.0\r\n")
        action: Action = {}
        try:
            while raw := await reader.readline():
                line = raw.decode().rstrip("\r\n")
                if line:
                    name, _, value = line.partition(": ")
                    action[name] = value
                elif action:
                    link.actions.append(action)
                    self._answer(link, action)
                    action = {}
        except OSError:
            pass  # the client cut the connection: that is how many tests end
        finally:
            link.closed = True
            writer.close()

    def _answer(self, link: AmiLink, action: Action) -> None:
        name = action.get("Action")
        if name == "Login":
            if self.login_reply is not None:
                link.respond(action, self.login_reply[0], Message=self.login_reply[1])
        elif name == "Ping":
            if self.answers_pings:
                link.respond(action, Ping="Pong")
        elif not self.on_action(link, action):
            link.respond(action, Message="done")


def message(**headers: str) -> str:
    """A message as Asterisk writes it; ``_`` in a name stands for ``-``."""
    return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()) + "\r\n"


def silent(link: AmiLink, action: Action) -> bool:
    """An ``on_action`` that never answers."""
    return True


@asynccontextmanager
async def session(peer: AmiPeer, **options: Any) -> AsyncIterator[AmiSession]:
    """Our client, logged in; closed at the end."""
    given: dict[str, Any] = {"host": "127.0.0.1", "port": peer.port, "username": "u", "secret": SECRET, "name": "test"}
    ami = AmiSession(**(given | options))
    running = asyncio.create_task(ami.run())
    try:
        await ami.wait_connected(10)
        yield ami
    finally:
        await ami.close()
        await running


@asynccontextmanager
async def stock_manager(peer: AmiPeer, *, logged_in: bool = True, **options: Any) -> AsyncIterator[Any]:
    """panoramisk as it comes; it never reconnects by itself here, so that a test can say when."""
    given = {"host": "127.0.0.1", "port": peer.port, "username": "u", "secret": SECRET, "ping_delay": 3600}
    manager = Manager(loop=asyncio.get_running_loop(), reconnect_timeout=3600, **(given | options))
    manager.connect()
    try:
        await eventually(lambda: manager.authenticated or not logged_in)
        yield manager
    finally:
        manager.close()
