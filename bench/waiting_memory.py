"""Memory while 500 callers wait: in the menu, then in the queue, and after they have gone.

Every seat's agent is on pause, so nobody is served. The reference is what Asterisk itself grows by for the same
callers. Afterwards the same crowd calls once more: what is not given back a second time is a leak.
"""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from bench.busy_hotline import BusyHotline, busy_hotline, caller_number
from bench.figures import Figure
from bench.places import bench_database, bench_directory
from callcenter.ivr.prompts import load_prompts
from callcenter.queues.models import WaitingCaller
from demo.hospital import HOTLINE
from demo.observer import until

CALLERS = 500
CALLS_PER_SECOND = 10.0
SEATS = 4
MENU_SECONDS, QUEUE_SECONDS = 10.0, 25.0
"""How long the last caller stays in the menu and in the queue."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident, in MB."""

    service: float
    asterisk: float


def run() -> Iterator[Figure]:
    """Two crowds, one after the other."""
    with bench_directory() as directory, bench_database() as url:
        before, waiting, after, again = asyncio.run(_measure(directory, url))
    per_caller = (waiting.service - before.service) * 1024 / CALLERS
    yield Figure(
        f"memory of the service per waiting caller, {CALLERS} of them",
        per_caller,
        "kB",
        (waiting.asterisk - before.asterisk) * 1024 / CALLERS,
        "Asterisk's",
    )
    yield Figure("... of the whole service meanwhile", waiting.service, "MB", before.service, "before")
    yield Figure(
        f"... after {CALLERS} callers more have come and gone",
        again.service,
        "MB",
        after.service,
        "before them",
        goal=1.1,
    )


async def _measure(directory: Path, database_url: str) -> tuple[Memory, Memory, Memory, Memory]:
    """Before, while the first crowd waits, after it, and after the second."""
    async with busy_hotline(
        directory, database_url, patients=2 * CALLERS, seats=SEATS, rtp_timeout_seconds=3600, paused=True
    ) as hotline:
        await hotline.open()
        before = _memory(hotline, "before")
        waiting = await _crowd(hotline, 0)
        after = _memory(hotline, "after the first crowd")
        await _crowd(hotline, CALLERS)
        return before, waiting, after, _memory(hotline, "after the second crowd")


async def _crowd(hotline: BusyHotline, first: int) -> Memory:
    """All of them wait at the same time, then hang up; memory at its highest."""
    prompts = load_prompts(hotline.settings.prompts_dir)
    arriving = CALLERS / CALLS_PER_SECOND
    stay = arriving + QUEUE_SECONDS
    callers = await hotline.load.calls(
        [(caller_number(first + index), None) for index in range(CALLERS)],
        HOTLINE,
        per_second=CALLS_PER_SECOND,
        key="2",
        key_after=prompts.duration_seconds("greeting_known", "zh") + MENU_SECONDS,
        stay=stay,
    )

    async def all_wait() -> bool:
        async with hotline.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(WaitingCaller)) == CALLERS

    await until(f"{CALLERS} callers wait", all_wait, timeout_seconds=2 * stay)
    highest = _memory(hotline, f"{CALLERS} wait")
    counts = await callers.done(2 * stay)
    print(f"  {counts}", file=sys.stderr)
    return highest


def _memory(hotline: BusyHotline, when: str) -> Memory:
    memory = Memory(hotline.service_mb(), hotline.asterisk_mb())
    print(f"  {when}: {memory}", file=sys.stderr)
    return memory
