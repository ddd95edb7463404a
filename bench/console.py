"""Whether the console stays fluid with many agents who change all the time and many callers who wait.

A real Chromium shows /console over the board of bench/board.py. The browser itself says for how long its main thread
was busy (Long Tasks API: everything above 50 ms), and how many frames it drew while the supervisor scrolls.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.board import AGENTS, WAITING, busy_hall, keep_changing
from bench.figures import Figure
from bench.places import bench_database
from tests.support.browser import CHROMIUM, FLAGS

WARM_UP_SECONDS, MEASURED_SECONDS = 5.0, 30.0
GOAL_LONGEST_MS = 200.0
_WATCH = """
() => {
  window.busy = [];
  new PerformanceObserver((list) => window.busy.push(...list.getEntries().map((one) => one.duration)))
    .observe({ entryTypes: ["longtask"] });
  window.frames = [];
  let before = performance.now();
  const frame = (now) => {
    window.frames.push(now - before);
    before = now;
    window.scrollBy(0, window.frames.length % 240 < 120 ? 6 : -6);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
"""


def run() -> Iterator[Figure]:
    with bench_database() as url, TemporaryDirectory(prefix="cc-bench-") as folder:
        yield from asyncio.run(_measure(url, Path(folder)))


async def _measure(url: str, folder: Path) -> list[Figure]:
    async with busy_hall(url, folder) as (database, service, token), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        await _open(page, service.url, token)
        changing = asyncio.create_task(keep_changing(database))
        await asyncio.sleep(WARM_UP_SECONDS)
        seen = await _watch(page)
        changing.cancel()
        await asyncio.wait([changing])
        await browser.close()
    frames = sorted(seen["frames"])
    return [
        Figure(
            f"longest task of the console ({AGENTS} agents, {WAITING} waiting, 25 changes/s, {MEASURED_SECONDS:g} s)",
            max(seen["busy"], default=0.0),
            "ms",
            goal=GOAL_LONGEST_MS,
        ),
        Figure("... tasks above 50 ms", len(seen["busy"]), ""),
        Figure("... time between two frames, p50", frames[len(frames) // 2], "ms"),
        Figure("... p99", frames[int(len(frames) * 0.99)], "ms"),
        Figure("... memory of the page's objects", seen["memory_mb"], "MB"),
    ]


async def _open(page: Page, address: str, token: str) -> None:
    await page.goto(f"{address}/login")
    await page.evaluate("token => sessionStorage.setItem('callcenter.token', token)", token)
    await page.goto(f"{address}/console")
    await page.wait_for_selector("[data-agent]")
    shown = await page.locator("[data-agent]").count()
    if shown != AGENTS:
        raise RuntimeError(f"{shown} agents are shown")


async def _watch(page: Page) -> dict[str, Any]:
    await page.evaluate(_WATCH)
    await asyncio.sleep(MEASURED_SECONDS)
    seen: dict[str, Any] = await page.evaluate(
        "() => ({busy: window.busy, frames: window.frames, memory_mb: performance.memory.usedJSHeapSize / 1e6})"
    )
    return seen
