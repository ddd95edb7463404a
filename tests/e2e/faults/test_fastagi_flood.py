"""The FastAGI port under a thousand connections that are no Asterisk, while callers call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from callcenter.roles import ProcessRole
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Wait
from demo.stack import Service
from tests.e2e.faults.scene import Scene
from tests.e2e.hotline import Hotline, agent

CONNECTIONS = 1_000
COME_BACK_SECONDS = 4.0
MEMORY_GROWTH_BYTES = 64_000_000
"""A thousand endless lines, a few callers, and what Python does not give back."""

Stranger = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What one connection does, until the other side closes it."""


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header line, a letter at a time, for ever: the slow loris."""
    for letter in b"agi_network: yes\n" * 100:
        writer.write(bytes((letter,)))
        await writer.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await reader.read()
                return


async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A line without an end."""
    for _ in range(10_000):
        writer.write(b"x" * 10_000)
        await writer.drain()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) + b"\n\n")
    await reader.read()


@pytest.mark.parametrize("strangers", [(silent, slow), (endless, garbage)], ids=["patient", "greedy"])
async def test_flood(hotline: Hotline, strangers: Sequence[Stranger]) -> None:
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.ENGINE])
    ivr = await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    scene = Scene(hotline)
    for number in ("1001", "1002"):
        await hotline.agent_sits_down(agent(number), [Wait(1), HangUp()])
    sockets, memory = open_files(ivr), resident_bytes(ivr)
    async with flooding(hotline.settings.fastagi_port, strangers):
        for patient in PATIENTS[:2]:
            await scene.asks_for_a_person(patient)
        await scene.everybody_is_served()
        assert resident_bytes(ivr) - memory < MEMORY_GROWTH_BYTES

    async def given_back() -> bool:
        return open_files(ivr) <= sockets + 8  # the pool of the database may have grown

    await until("sockets are given back", given_back)
    await scene.nothing_was_lost()
    for patient in PATIENTS[:2]:
        await is_served_in_time(scene, patient.e164)


async def is_served_in_time(scene: Scene, number: str) -> None:
    """The flow took its first step, or the dialplan led to people, in three seconds."""
    call = await scene.hotline.finished_call(number)
    steps = await scene.hotline.step_times(call)
    assert (steps[0] - call.started_at).total_seconds() < 3.0, (number, await scene.hotline.steps(call))


@asynccontextmanager
async def flooding(port: int, strangers: Sequence[Stranger]) -> AsyncIterator[None]:
    """A thousand of them at all times, of each kind as many: whoever is shown the door comes back."""

    async def come_again(stranger: Stranger) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await stranger(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(COME_BACK_SECONDS)

    tasks = [asyncio.create_task(come_again(strangers[number % len(strangers)])) for number in range(CONNECTIONS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def open_files(service: Service) -> int:
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def resident_bytes(service: Service) -> int:
    lines = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
