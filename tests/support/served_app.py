"""The whole API on a loop of its own, for tests that are no coroutines (Hypothesis drives them)."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from callcenter.app import create_app
from callcenter.core.config import Settings
from callcenter.core.db import Database

Result = TypeVar("Result")
PATIENCE_SECONDS = 60.0


class ServedApp:
    """``database`` and ``app`` live on the loop: touch them only inside :meth:`run`."""

    def __init__(self, database_url: str, state_dir: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self.database = Database(database_url)
        self.app: FastAPI = create_app(Settings(state_dir=state_dir), self.database)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://callcenter.test")

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Answer as a client gets it; what is raised behind the last net is raised here."""
        return self.run(self._client.send(request))

    def serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self.database.close())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def served_app(database_url: str, state_dir: Path) -> Iterator[ServedApp]:
    served = ServedApp(database_url, state_dir)
    thread = Thread(target=served.serve, name="served-app", daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.stop()
        thread.join(PATIENCE_SECONDS)
