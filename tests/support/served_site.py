"""The api role on a port of its own, in a thread: for browsers, which ask for a real server."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI

from callcenter.app import create_app
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.ports import free_port

Result = TypeVar("Result")
PATIENCE_SECONDS = 60.0


class Site:
    """``database`` and ``app`` live on the server's loop: touch them only inside :meth:`run`."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self.settings = settings
        self.address = f"http://{settings.api_host}:{settings.api_port}"
        self._loop = asyncio.new_event_loop()
        self.database = Database(database_url)
        self.app: FastAPI = create_app(settings, self.database)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                host=settings.api_host,
                port=settings.api_port,
                log_config=None,
                timeout_graceful_shutdown=1,
            )
        )

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    def serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve())
        self._loop.run_until_complete(self.database.close())
        self._loop.close()

    @property
    def started(self) -> bool:
        return self._server.started

    def stop(self) -> None:
        self._server.should_exit = True


@contextmanager
def served_site(database_url: str, state_dir: Path, **settings: Any) -> Iterator[Site]:
    """Raises RuntimeError when the server does not start."""
    port = free_port()
    site = Site(Settings(state_dir=state_dir, api_port=port, **settings), database_url)
    thread = Thread(target=site.serve, name="served-site", daemon=True)
    thread.start()
    try:
        while not site.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
        yield site
    finally:
        site.stop()
        thread.join(PATIENCE_SECONDS)
