"""The api role on a port of its own, on the test's loop: for what needs a real server, as WebSockets do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from callcenter.app import create_app
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.polling import becomes
from tests.support.ports import free_port


@asynccontextmanager
async def live_api(database: Database, state_dir: Path, **settings: Any) -> AsyncIterator[str]:
    """Its address, ``http://127.0.0.1:port``, with what it does beside its requests."""
    port = free_port()
    app = create_app(Settings(state_dir=state_dir, api_port=port, **settings), database)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws_per_message_deflate=False)
    )
    running = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started or running.done()

    try:
        await becomes(started, bool)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running
