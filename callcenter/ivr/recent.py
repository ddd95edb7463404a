"""Answers that the calls of one process share for a moment: what hardly changes is not asked for anew by each."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

RECENT_SECONDS = 0.5
"""So late, at most, does a call notice what staff changed."""

T = TypeVar("T")


class Recent(Generic[T]):
    """One question at a time, each answer good for RECENT_SECONDS. ``monotonic``: seconds of a clock that never jumps.

    Keys must be few: answers are replaced, never dropped. A question that fails is asked again by the next call.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answers: dict[Hashable, tuple[float, T]] = {}
        self._asking = asyncio.Lock()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to ``key`` of a moment ago, or what ``ask()`` gives now. Raises what that raises."""
        async with self._asking:
            known = self._answers.get(key)
            asked_at = self._monotonic()
            if known is not None and asked_at - known[0] < RECENT_SECONDS:
                return known[1]
            answer = await ask()
            self._answers[key] = (asked_at, answer)
            return answer
