"""What an application does beside its requests: it listens to the bus and feeds the open screens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from callcenter.core.bus import BusListener


class Background:
    """Runs as long as the server that serves the application (its lifespan). One listener on the bus for all."""

    def __init__(self, bus: BusListener) -> None:
        self.bus = bus
        self._works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"bus": bus.run}
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = asyncio.Event()

    def add(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Before the server starts. ``work`` runs until it is cancelled."""
        self._works[name] = work

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        self._tasks = {asyncio.create_task(work(), name=name) for name, work in self._works.items()}
        self._started.set()
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    async def until_one_fails(self) -> None:
        """Raises what ended one of them: a defect, which must be seen."""
        await self._started.wait()
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
