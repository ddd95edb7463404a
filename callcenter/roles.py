"""The three roles of a process, started and stopped together: api, ivr, engine (docs/operations.md).

A role is imported where it starts: a process that has only one of them is up sooner, and smaller.

SIGTERM: no new requests and flows, running flows finish (``drain_seconds``), then the end. Calls in Asterisk go on.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from fastapi import FastAPI

from callcenter.core.allocator import collect_seldom
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.health import Check
from callcenter.core.ports import require_free_port
from callcenter.core.processes import allow_many_files
from callcenter.core.secrets import get_secret

if TYPE_CHECKING:
    from callcenter.ivr.server import IvrServer

log = structlog.get_logger(__name__)

MAX_HTTP_CONNECTIONS = 2000
"""Open screens included; beyond them the answer is 503, so that callers keep their sockets."""
MAX_HTTP_HEADER_BYTES = 32_768
MAX_FRAME_BYTES = 16_384
"""Of what a client sends over a WebSocket: a ticket and a number."""


class ProcessRole(StrEnum):
    """What one process does; without a choice, all of it."""

    API = "api"
    IVR = "ivr"
    ENGINE = "engine"


async def serve(settings: Settings, database_url: str, roles: Collection[ProcessRole]) -> None:
    """Run ``roles`` until SIGTERM or SIGINT. Raises SetupError for a taken port."""
    allow_many_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        database = Database(
            database_url,
            pool_size=settings.database_pool_size,
            application_name=f"callcenter-{'-'.join(sorted(roles))}",
        )
        stack.push_async_callback(database.close)
        checks: list[Callable[[], list[Check]]] = []
        running: list[asyncio.Task[None]] = []
        if ProcessRole.ENGINE in roles:
            from callcenter.engine import Engine

            engine = Engine(settings, database)
            checks.append(engine.checks)
            running.append(await stack.enter_async_context(_in_background(engine.run(), "engine")))
        ivr = await _start_ivr(settings, database, stack) if ProcessRole.IVR in roles else None
        running += await stack.enter_async_context(_http(settings, database, roles, checks))
        collect_seldom()
        log.info("serving", roles=sorted(roles), http_port=settings.api_port)
        await _until(stop, running)
        log.info("stopping")
        if ivr is not None:
            await ivr.stop()  # before all else: the next caller goes to a person at once


async def _start_ivr(settings: Settings, database: Database, stack: AsyncExitStack) -> "IvrServer":
    from callcenter.callouts.policy import Home
    from callcenter.core.phone_numbers import NumberPlan
    from callcenter.desk.dialling import AgentDialling
    from callcenter.desk.feature_codes import FeatureCodes
    from callcenter.ivr.server import IvrServer

    require_free_port(
        "tcp",
        settings.fastagi_host,
        settings.fastagi_port,
        purpose="FastAGI",
        setting="CALLCENTER_FASTAGI_PORT",
        shared=settings.fastagi_shared,
    )
    feature_codes = FeatureCodes(database, pbx=settings.pbx_name, code_key=get_secret(settings, "check_code_key"))
    plan = NumberPlan(settings.country, settings.area_code)
    dialling = AgentDialling(database, plan, Home.of(settings))
    ivr = IvrServer(settings, database, handlers={"seat": feature_codes, "dial": dialling})
    await ivr.start()
    stack.push_async_callback(ivr.stop)
    return ivr


@asynccontextmanager
async def _http(
    settings: Settings,
    database: Database,
    roles: Collection[ProcessRole],
    checks: list[Callable[[], list[Check]]],
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """The API and its background, or for the other roles what whoever watches them needs: health and figures."""
    require_free_port("tcp", settings.api_host, settings.api_port, purpose="HTTP", setting="CALLCENTER_API_PORT")
    make: Callable[..., FastAPI]
    if ProcessRole.API in roles:
        from callcenter.app import create_app as make
    else:
        from callcenter.operations import create_operations_app as make
    app = make(settings, database, checks)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,
            timeout_graceful_shutdown=5,
            limit_concurrency=MAX_HTTP_CONNECTIONS,
            h11_max_incomplete_event_size=MAX_HTTP_HEADER_BYTES,
            ws_max_size=MAX_FRAME_BYTES,
            ws_per_message_deflate=False,  # frames are small; a compressor for each socket is not
        )
    )
    task = asyncio.create_task(server.serve(), name="http")
    try:
        async with AsyncExitStack() as stack:
            running = [task]
            if ProcessRole.API in roles:
                failing = app.state.background.until_one_fails()
                running.append(await stack.enter_async_context(_in_background(failing, "background")))
            yield running
    finally:
        server.should_exit = True
        await asyncio.wait({task})


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _until(stop: asyncio.Event, running: list[asyncio.Task[None]]) -> None:
    """Until told to stop; a task that ends before is a defect and ends the process, loudly."""
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({waiting, *running}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("role_failed", task=task.get_name(), exc_info=error)  # now: ending in order takes its time
        task.result()
