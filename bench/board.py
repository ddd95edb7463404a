"""What a live board costs the process that keeps it: many agents who change all the time, callers who wait, watchers.

The api role runs as a process of its own; watchers read its stream to the end of the bench. Agents change as the
engine changes them: a row of history, a message to the desk, an announcement on the bus. Calls that go on stand in the
database as the ledger's reader writes them.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import text

from bench.figures import Figure
from bench.places import bench_database
from bench.processes import cpu_seconds, resident_mb
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents.models import Activity
from callcenter.core.db import Database
from callcenter.roles import ProcessRole
from demo.stack import Service, Stack, private_settings
from tests.support.api import given_token

AGENTS, WAITING, WATCHERS = 500, 200, 5
"""The first two as FILL has them."""
CHANGE_SECONDS = 20.0
"""Each agent changes that often."""
WARM_UP_SECONDS, MEASURED_SECONDS = 8.0, 30.0
FILL = (
    "INSERT INTO queues (name, label_zh, label_en, strategy, ring_seconds, retry_seconds, wrap_up_seconds,"
    " max_wait_seconds, capacity, service_level_seconds, short_abandon_seconds, announce_position,"
    " announce_every_seconds, announce_wait, comfort_prompts, comfort_every_seconds, exit_keys, last_agent_first,"
    " last_agent_seconds, last_agent_days, excludes_complained_agent, active)"
    " SELECT 'queue' || n, 'q', 'q', 'leastrecent', 15, 1, 10, 600, 0, 20, 5, true, 30, true, '{}', 45, '', false, 8,"
    " 90, false, true FROM generate_series(0, 9) AS n",
    "INSERT INTO seats (name, label, sip_password, registered)"
    " SELECT 'seat-' || n, 'seat', 'none', true FROM generate_series(1, 500) AS n",
    "INSERT INTO agents (id, number, display_name, wanted, wanted_since, seat_name, activity, activity_since, sequence)"
    " SELECT gen_random_uuid(), (1000 + n)::text, 'agent', 'available', now(), 'seat-' || n, 'idle', now(), 0"
    " FROM generate_series(1, 500) AS n",
    "INSERT INTO queue_memberships (queue_name, agent_id, penalty)"
    " SELECT 'queue' || (number::int + k) % 10, id, 0 FROM agents, generate_series(0, 2) AS k",
    "INSERT INTO waiting_callers (uniqueid, queue_name, pbx, caller_number, priority, joined_at)"
    " SELECT 'pbx1-' || n || '.1', 'queue' || n % 10, 'pbx1', '13800000001', n, now()"
    " FROM generate_series(1, 200) AS n",
    # who waits, and as many in menus and with agents
    "INSERT INTO calls_by_month (id, pbx, direction, dialled_number, queue_name, verified, state, outcome, started_at,"
    " wait_seconds, talk_seconds, hold_seconds, duration_seconds, derived_at)"
    " SELECT 'pbx1-' || n || '.1', 'pbx1', 'inbound', '8000', CASE WHEN n <= 600 THEN 'queue' || n % 10 END, false,"
    " 'open', 'open', now(), 0, 0, 0, 0, now() FROM generate_series(1, 800) AS n",
    "INSERT INTO queue_visits_by_month (call_id, uniqueid, number, queue_name, priority, outcome, entered_at,"
    " wait_seconds, talk_seconds, offers)"
    " SELECT id, id, 1, queue_name, 0, CASE WHEN random() < 0.3 THEN 'open' ELSE 'answered' END, started_at, 0, 0, 0"
    " FROM calls_by_month WHERE queue_name IS NOT NULL",
    # a day of 20,000 calls
    "INSERT INTO queue_visits_by_month (call_id, uniqueid, number, queue_name, priority, outcome, reason, entered_at,"
    " wait_seconds, talk_seconds, offers)"
    " SELECT 'pbx1-old' || n, 'pbx1-old' || n, 1, 'queue' || n % 10, 0, 'answered', 'agent_hangup',"
    " now() - n * interval '1 second', 10, 100, 1 FROM generate_series(1, 20000) AS n",
    "ANALYZE",
)


def run() -> Iterator[Figure]:
    with bench_database() as url, TemporaryDirectory(prefix="cc-bench-") as folder:
        yield from asyncio.run(_measure(url, Path(folder)))


@asynccontextmanager
async def busy_hall(url: str, folder: Path) -> AsyncIterator[tuple[Database, Service, str]]:
    """The agents, callers and calls of FILL, an api process, and a supervisor's token."""
    database = Database(url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        async with database.transaction() as session:
            for statement in FILL:
                await session.execute(text(statement))
        installation = await stack.enter_async_context(Stack(private_settings(folder, slot=0), url))
        service = await installation.start_service([ProcessRole.API])
        yield database, service, await given_token(database, Role.SUPERVISOR)


async def _measure(url: str, folder: Path) -> list[Figure]:
    frames = [0]
    async with busy_hall(url, folder) as (database, service, token):
        idle = await _cpu_share(service.process.pid)
        tasks = [asyncio.create_task(_watch(service.url, token, frames)) for _ in range(WATCHERS)]
        await asyncio.sleep(WARM_UP_SECONDS)
        quiet = await _cpu_share(service.process.pid)
        tasks.append(asyncio.create_task(keep_changing(database)))
        await asyncio.sleep(WARM_UP_SECONDS)
        frames[0] = 0
        busy = await _cpu_share(service.process.pid)
        seen = frames[0] / WATCHERS / MEASURED_SECONDS
        memory = resident_mb(service.process.pid)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    who = f"{AGENTS} agents, {WAITING} waiting, 800 open calls, {WATCHERS} watchers"
    return [
        Figure(f"api process, nobody watches ({AGENTS} agents)", idle * 100, "% of a core"),
        Figure(f"api process with the board, nothing changes ({who})", quiet * 100, "% of a core"),
        Figure(f"api process with the board, 25 changes/s ({who})", busy * 100, "% of a core", goal=20.0),
        Figure("frames a watcher gets", seen, "/s"),
        Figure("memory of the api process", memory, "MB"),
    ]


async def _cpu_share(pid: int) -> float:
    before, began = cpu_seconds([pid]), time.monotonic()
    await asyncio.sleep(MEASURED_SECONDS)
    return (cpu_seconds([pid]) - before) / (time.monotonic() - began)


async def _watch(url: str, token: str, frames: list[int]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as client,
        client.stream("GET", "/api/v1/supervision/stream", headers=headers) as response,
    ):
        response.raise_for_status()
        async for line in response.aiter_lines():
            frames[0] += line.startswith("data:")


async def keep_changing(database: Database) -> None:
    """One agent after the other rings, talks, is idle again."""
    states = {Activity.IDLE: Activity.RINGING, Activity.RINGING: Activity.ON_CALL, Activity.ON_CALL: Activity.IDLE}
    began = time.monotonic()
    for number in itertools.count():
        await asyncio.sleep(max(0.0, began + number * CHANGE_SECONDS / AGENTS - time.monotonic()))
        async with database.transaction() as session:
            agent = await agent_queries.find_agent(session, number=str(1001 + number % AGENTS), lock=True)
            if agent is not None:
                next_state = states.get(Activity(agent.activity), Activity.IDLE)
                await agents.record_activity(session, agent, next_state, call_id=f"pbx1-{201 + number % 400}.1")
