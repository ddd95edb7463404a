"""Waiting for something that must be asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def becomes(
    read: Callable[[], Awaitable[T]], accept: Callable[[T], object], *, within_seconds: float = 20.0
) -> T:
    """Read until what was read is accepted, and return it; fail at the deadline with the last that was not."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = await read()
        if accept(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
