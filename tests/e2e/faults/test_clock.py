"""The machine's clock set five minutes forward and back, for Asterisk and the service, under callers.

A small library (false_clock.c) stands between both and the kernel's wall clock; the monotonic clock stays true, as in
a real step. PostgreSQL keeps the true time: nothing asks it what time it is. (Debian's libfaketime will not do: with it
time.sleep() fails, and threads that wait do not wake.)
"""

import asyncio
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from callcenter.core.config import Settings
from callcenter.core.db import Database
from demo.hospital import PATIENTS
from demo.observer import until
from tests.e2e.conftest import FAILED
from tests.e2e.faults.scene import Scene, callers_everywhere
from tests.e2e.hotline import Hotline

STEP_SECONDS = 300
SERVED_SECONDS = 60.0
"""Far less than a step: nobody waits until the clock is there again where it was."""


@dataclass(slots=True)
class FalseClock:
    """What processes started inside :meth:`worn` take for the time."""

    monkeypatch: pytest.MonkeyPatch
    file: Path
    library: Path

    @contextmanager
    def worn(self) -> Iterator[None]:
        with self.monkeypatch.context() as patch:
            patch.setenv("LD_PRELOAD", str(self.library))
            patch.setenv("FALSE_CLOCK_FILE", str(self.file))
            yield

    def set(self, seconds: int) -> None:
        """By so much from the true time, for everybody at once."""
        with self.file.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))


@pytest.fixture
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FalseClock:
    """In the PBX's directory: that is what Asterisk sees of this machine."""
    settings.pbx_dir.mkdir(parents=True, exist_ok=True)
    clock = FalseClock(monkeypatch, settings.pbx_dir / "clock", settings.pbx_dir / "false_clock.so")
    source = Path(__file__).with_name("false_clock.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-Wall", "-o", str(clock.library), str(source)], check=True)
    clock.file.write_bytes(bytes(8))
    return clock


@pytest.fixture
async def hotline(
    clock: FalseClock, settings: Settings, database_url: str, database: Database, request: pytest.FixtureRequest
) -> AsyncIterator[Hotline]:
    """As everywhere, but Asterisk goes by the false clock."""
    hotline = Hotline(settings, database_url, database)
    with clock.worn():
        await hotline.__aenter__()
    try:
        yield hotline
        if request.node.stash.get(FAILED, False):
            print(hotline.evidence())
    finally:
        await hotline.__aexit__()


@pytest.mark.parametrize("step_seconds", [STEP_SECONDS, -STEP_SECONDS], ids=["forward", "back"])
async def test_step(hotline: Hotline, clock: FalseClock, step_seconds: int) -> None:
    with clock.worn():
        service = await hotline.stack.start_service()
    scene = await callers_everywhere(hotline)
    client = await hotline.api(service)
    begun = asyncio.get_running_loop().time()
    clock.set(step_seconds)
    await until("the step is told", lambda: scene.alarms("clock_stepped"))
    await scene.asks_for_a_person(PATIENTS[4])
    await scene.nothing_was_lost(within_seconds=SERVED_SECONDS * 2)
    assert (await client.get("/api/v1/agents")).is_success, "whoever was logged in still is"

    await scene.asks_for_a_person(PATIENTS[10])  # both agents had their last call before and after the step
    await scene.nothing_was_lost(within_seconds=SERVED_SECONDS)
    took = asyncio.get_running_loop().time() - begun
    await times_are_sane(scene, took + 120, step_seconds)
    (alarm,) = await scene.alarms("clock_stepped")
    assert alarm.occurrences == 1
    assert alarm.details["seconds"] == pytest.approx(step_seconds, abs=3)


async def times_are_sane(scene: Scene, at_most_seconds: float, step_seconds: int) -> None:
    """Nothing negative; nothing longer than it can have been, but by a step forward."""
    longest = at_most_seconds + max(0, step_seconds)
    for call in await scene.hotline.calls():
        assert call.state == "finished"
        assert call.ended_at is not None
        assert call.ended_at >= call.started_at
        for seconds in (call.wait_seconds, call.talk_seconds, call.hold_seconds, call.duration_seconds):
            assert 0 <= seconds <= longest, (call.caller_number, seconds)
        for visit in await scene.visits(call):
            assert visit.left_at is not None
            assert timedelta() <= visit.left_at - visit.entered_at <= timedelta(seconds=longest)
