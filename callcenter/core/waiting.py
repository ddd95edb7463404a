"""Waiting for an event, no longer than so long."""

import asyncio


async def wait_at_most(event: asyncio.Event, seconds: float) -> bool:
    """Whether ``event`` was set in time.

    Not asyncio.wait_for, which up to Python 3.11 swallows a cancellation that comes together with the event: a task
    that loops would never end.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
