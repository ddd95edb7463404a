"""Waiting for an event, with a limit."""

import asyncio

import pytest

from callcenter.core.waiting import wait_at_most

EVER = 3600.0


async def test_it_tells_whether_the_event_came() -> None:
    event = asyncio.Event()
    assert not await wait_at_most(event, 0.01)
    event.set()
    assert await wait_at_most(event, EVER)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_comes_with_the_event_is_not_swallowed(turns: int) -> None:
    """The database went away: a listener's connection was lost, and with it the lead of its engine."""
    event = asyncio.Event()

    async def listen() -> None:
        while True:
            await wait_at_most(event, EVER)
            event.clear()

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=10)
    assert done, "the cancellation was swallowed"
    assert task.cancelled()
