"""AMI events through our session to one handler, against stock panoramisk with one handler.

A small process plays Asterisk: it lets the client log in and sends events as a real Asterisk 22 wrote them
(ami_sample.txt), as fast as the client reads. One client after the other, in turn, several times.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from panoramisk import Manager

from bench.figures import Figure
from callcenter.asterisk.manager import AmiSession

SAMPLE = Path(__file__).with_name("ami_sample.txt")
EVENTS = 40_000
ROUNDS = 7
TIMEOUT_SECONDS = 120
LAST = "BenchEnd"


@dataclass(frozen=True, slots=True)
class _Round:
    """From the first event to the last: seconds, and of them those of this process's processor time."""

    seconds: float
    cpu_seconds: float


class _Handler:
    """What both clients call with each event's name: it counts, and nothing else."""

    def __init__(self) -> None:
        self.count = 0
        self.ended: asyncio.Future[_Round] = asyncio.get_running_loop().create_future()

    def on_event(self, name: str) -> None:
        if self.count == 0:
            self._began, self._cpu = time.perf_counter(), time.process_time()
        self.count += 1
        if name == LAST:
            self.ended.set_result(_Round(time.perf_counter() - self._began, time.process_time() - self._cpu))


def run() -> Iterator[Figure]:
    listener = socket.create_server(("127.0.0.1", 0))
    player = multiprocessing.get_context("fork").Process(target=_play_asterisk, args=(listener,), daemon=True)
    player.start()
    port = listener.getsockname()[1]
    ours: list[_Round] = []
    stock: list[_Round] = []
    try:
        for _ in range(ROUNDS):
            ours.append(asyncio.run(_measured(_through_ours, port)))
            stock.append(asyncio.run(_measured(_through_stock, port)))
    finally:
        player.terminate()
        player.join()
        listener.close()
    mine, theirs = (EVENTS / median(one.seconds for one in rounds) for rounds in (ours, stock))
    yield Figure("AMI events to one handler", mine, "/s", theirs, "stock panoramisk", better="higher", goal=1.0)
    mine, theirs = (median(one.cpu_seconds for one in rounds) / EVENTS * 1e6 for rounds in (ours, stock))
    yield Figure("processor time of an AMI event", mine, "µs", theirs, "stock panoramisk")


async def _measured(through: Callable[[int, _Handler], Awaitable[None]], port: int) -> _Round:
    """Raises TimeoutError."""
    handler = _Handler()
    client = asyncio.ensure_future(through(port, handler))
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await handler.ended
    finally:
        client.cancel()
        await asyncio.wait({client})


async def _through_ours(port: int, handler: _Handler) -> None:
    def on_event(headers: Mapping[str, str]) -> None:
        handler.on_event(headers["Event"])

    session = AmiSession(
        host="127.0.0.1",
        port=port,
        username="bench",
        secret="bench",  # noqa: S106
        name="bench",
        on_event=on_event,
        ping_interval_seconds=TIMEOUT_SECONDS,
    )
    try:
        await session.run()
    finally:
        await session.close()


async def _through_stock(port: int, handler: _Handler) -> None:
    def on_event(_manager: Manager, message: Any) -> None:
        handler.on_event(message.event)

    manager = Manager(
        loop=asyncio.get_running_loop(),
        host="127.0.0.1",
        port=port,
        username="bench",
        secret="bench",  # noqa: S106
        ping_delay=TIMEOUT_SECONDS,
    )
    manager.register_event("*", on_event)
    await manager.connect()
    try:
        await asyncio.sleep(TIMEOUT_SECONDS)
    finally:
        manager.close()


# -- the other side


def _play_asterisk(listener: socket.socket) -> None:
    """For each client: greeting, log-in, EVENTS events, the last; then wait until it goes."""
    events = _events()
    while True:
        client, _ = listener.accept()
        with client:
            client.sendall(b"Asterisk Call Manager/11.0.0\r\n")
            action = b""
            while not action.endswith(b"\r\n\r\n"):
                action += client.recv(65_536)
            action_id = next(line for line in action.split(b"\r\n") if line.lower().startswith(b"actionid"))
            client.sendall(b"Response: Success\r\n" + action_id + b"\r\nMessage: Authentication accepted\r\n\r\n")
            client.sendall(events)
            while client.recv(65_536):
                pass


def _events() -> bytes:
    sample = [one.encode().replace(b"\n", b"\r\n") for one in SAMPLE.read_text().strip().split("\n\n")]
    events = [sample[n % len(sample)] for n in range(EVENTS - 1)]
    return b"".join(event + b"\r\n\r\n" for event in [*events, f"Event: {LAST}".encode()])
