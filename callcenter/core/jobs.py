"""Background work of a process: tasks that go on after a fault of the world, and stop when told."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from callcenter.core.db import CONNECTION_FAULTS, is_passing
from callcenter.core.errors import CallcenterError
from callcenter.core.leadership import LeadershipLost

log = structlog.get_logger(__name__)

_LAST_SUCCESS = Gauge("callcenter_job_last_success_timestamp_seconds", "When a periodic job last did well.", ["job"])

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 2.0

WORLD_FAULTS = (*CONNECTION_FAULTS, DBAPIError, PoolTimeout)
"""What a database or network that is away raises; a fault of our own code is not among them."""


def is_world_fault(error: BaseException) -> bool:
    """Whether the same work may do later: the database or network is away, or our lead. Not: the data, or our code."""
    if isinstance(error, LeadershipLost):
        return True
    if isinstance(error, DBAPIError | asyncpg.PostgresError):
        return is_passing(error)
    return isinstance(error, WORLD_FAULTS)


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run ``work`` again, after a short and growing pause, whenever the world fails it; until cancelled.

    Anything else ends the task: a defect must be seen, not retried for ever.
    """
    delay_seconds = FIRST_DELAY_SECONDS
    while True:
        try:
            await work()
            return
        except (*WORLD_FAULTS, CallcenterError) as error:
            log.warning("work_interrupted", work=name, reason=type(error).__name__)
        await asyncio.sleep(delay_seconds)
        delay_seconds = min(delay_seconds * 2, LONGEST_DELAY_SECONDS)


async def run_every(name: str, seconds: float, job: Callable[[], Awaitable[object]]) -> None:
    """Run an idempotent scan every ``seconds``; a missed or failed tick costs only time. Until cancelled."""
    while True:
        try:
            await job()
            _LAST_SUCCESS.labels(name).set_to_current_time()
        except (*WORLD_FAULTS, CallcenterError) as error:
            log.warning("tick_failed", job=name, reason=type(error).__name__)
        await asyncio.sleep(seconds)
