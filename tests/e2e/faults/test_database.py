"""PostgreSQL stopped hard, frozen, restarted, full, with callers at every place of their way."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from callcenter.agents.models import AgentStateChange
from callcenter.core.bus import connect
from callcenter.core.config import Settings
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.migrate import upgrade
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import StayUntilHangUp
from demo.stack import Service
from tests.e2e.faults.scene import Scene, callers_everywhere
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

TALK_SECONDS = 12.0
RING_SECONDS = 6.0
SMALL_DISK_MEGABYTES = 256


@pytest.fixture
def postgres_dir(settings: Settings) -> Path:
    return settings.state_dir / "postgres"


@pytest.fixture
def small_disk(postgres_dir: Path) -> Iterator[Path]:
    """PostgreSQL's files lie on a file system of their own."""
    postgres_dir.mkdir()
    size = f"size={SMALL_DISK_MEGABYTES}m"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", postgres_dir], check=False).returncode != 0:
        pytest.skip("only root may mount a small file system")
    yield postgres_dir
    subprocess.run(["umount", "--lazy", postgres_dir], check=True)


@pytest.fixture
def server(request: pytest.FixtureRequest, postgres_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A server that this test may stop."""
    if "small_disk" in request.fixturenames:
        request.getfixturevalue("small_disk")
    server = EmbeddedPostgres(postgres_dir, fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database_url(server: EmbeddedPostgres) -> str:
    url = server.url("callcenter")
    upgrade(url)
    return url


class Desk:
    """Agent 1003 has a telephone and a screen, and no callers, and wants to pause while the database is away."""

    def __init__(self, hotline: Hotline, client: httpx.AsyncClient) -> None:
        self.hotline = hotline
        self.client = client

    async def pauses(self) -> httpx.Response:
        return await self.client.put("/api/v1/agents/me/state", json={"wanted": "paused", "reason": "lunch"})

    async def is_refused(self) -> None:
        """In time and with a stable word; the telephone ends the call by itself."""
        answer = await self.pauses()
        assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
        health = await self.client.get("/health/ready")
        assert health.status_code == 503, health.text
        seat = agent("1003").seat
        password = self.hotline.seat_passwords[seat]
        phone = await self.hotline.phones.dial_from_seat(seat, password, "*141", [StayUntilHangUp(20)])
        await phone.done(30)

    async def nothing_changed(self) -> None:
        """No change was recorded, not even half of one."""
        async with self.hotline.database.transaction() as session:
            changes = select(func.count()).where(AgentStateChange.actor_name != "test")
            assert await session.scalar(changes.where(AgentStateChange.wanted == "paused")) == 0

    async def works(self) -> None:
        """What is asked for is done: by the API, the bus, the engine that leads, and Asterisk."""
        (await self.pauses()).raise_for_status()
        await self.hotline.observer.agent_is_paused(agent("1003"))


async def open_house(hotline: Hotline) -> tuple[Scene, Desk]:
    """One process with all roles, callers everywhere, agent 1003 at the desk."""
    service = await hotline.stack.start_service()
    client = await hotline.api(service, agent("1003").username, AGENT_PASSWORD)
    await hotline.agent_sits_down(agent("1003"))
    scene = await callers_everywhere(hotline, talk_seconds=TALK_SECONDS, ring_seconds=RING_SECONDS)
    return scene, Desk(hotline, client)


async def is_whole_again(scene: Scene, desk: Desk) -> None:
    """Everything has reconnected by itself, and what happened meanwhile is recorded, once."""
    (service,) = scene.hotline.stack.services
    await service.ready(30)
    await scene.states_agree()
    await desk.nothing_changed()
    await desk.works()
    await one_leads(scene.hotline)
    await scene.nothing_was_lost()
    assert service.process.returncode is None, "it went on by itself"
    await scene.nobody_was_alarmed()


async def one_leads(hotline: Hotline) -> None:
    """One engine holds the lock, and listens."""
    holders = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND application_name = :name"
    )
    listeners = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'callcenter-bus'"

    async def look() -> bool:
        async with hotline.database.transaction() as session:
            leaders = await session.scalar(text(holders), {"name": f"callcenter-engine-{hotline.settings.pbx_name}"})
            return (leaders, await session.scalar(text(listeners))) == (1, 2)

    await until("one engine leads; it and the open screens listen", look)


async def test_killed_for_twenty_seconds(hotline: Hotline, server: EmbeddedPostgres) -> None:
    scene, desk = await open_house(hotline)
    async with gone_for(20, server):
        await scene.asks_for_a_person(PATIENTS[10], recognised=False)
        await desk.is_refused()
    await is_whole_again(scene, desk)
    await scene.was_led_by_the_flow(PATIENTS[10], who="unknown")


async def test_frozen(hotline: Hotline, server: EmbeddedPostgres) -> None:
    """For ten seconds, and for longer than any query may take."""
    scene, desk = await open_house(hotline)
    async with frozen_for(10, server):
        await scene.asks_for_a_person(PATIENTS[10], recognised=False)
    await scene.hotline.stack.services[0].ready(30)
    await scene.states_agree()
    async with frozen_for(75, server):
        await scene.asks_for_a_person(PATIENTS[11], recognised=False)
        await desk.is_refused()
    await is_whole_again(scene, desk)
    for newcomer in (PATIENTS[10], PATIENTS[11]):
        await scene.was_led_by_the_flow(newcomer, who="unknown")


async def test_restarted_and_no_connection_left(hotline: Hotline, server: EmbeddedPostgres) -> None:
    """Restarted, twice at once, then all its connections are taken by somebody else."""
    scene, desk = await open_house(hotline)
    for _ in range(3):
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
    await scene.asks_for_a_person(PATIENTS[10], recognised=False)
    (service,) = hotline.stack.services
    await service.ready(30)
    await scene.states_agree()
    async with connections_taken(server, service):
        await scene.asks_for_a_person(PATIENTS[11], recognised=False)
        await desk.is_refused()
    await is_whole_again(scene, desk)
    await scene.was_led_by_the_flow(PATIENTS[11], who="unknown")


async def test_stopped_while_it_is_frozen(hotline: Hotline, server: EmbeddedPostgres) -> None:
    """SIGTERM ends the service all the same, in order and soon."""
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"))
    async with frozen_for(0, server):
        assert await service.stop() == 0


async def test_disk_full(hotline: Hotline, small_disk: Path) -> None:
    """PostgreSQL reads, and cannot write: callers are recognised, what happens is recorded when there is room again."""
    scene, desk = await open_house(hotline)
    async with full(small_disk):
        await until("PostgreSQL has no room", lambda: has_no_room(hotline))
        await scene.asks_for_a_person(PATIENTS[10])
        await scene.callers[PATIENTS[0].e164].done(60)  # a conversation ends meanwhile
    await is_whole_again(scene, desk)
    await scene.was_led_by_the_flow(PATIENTS[10])


# -- faults


@asynccontextmanager
async def gone_for(seconds: float, server: EmbeddedPostgres) -> AsyncIterator[None]:
    """kill -9 of the postmaster; started again when ``seconds`` are over."""
    back_at = asyncio.get_running_loop().time() + seconds
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    try:
        yield
        await asyncio.sleep(back_at - asyncio.get_running_loop().time())  # the fault itself
    finally:
        await asyncio.to_thread(server.start)


@asynccontextmanager
async def frozen_for(seconds: float, server: EmbeddedPostgres) -> AsyncIterator[None]:
    """SIGSTOP to all its processes, SIGCONT when ``seconds`` are over."""
    back_at = asyncio.get_running_loop().time() + seconds
    frozen = await asyncio.to_thread(freeze, server)
    try:
        yield
        await asyncio.sleep(max(0.0, back_at - asyncio.get_running_loop().time()))  # the fault itself
    finally:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def freeze(server: EmbeddedPostgres) -> Sequence[int]:
    """The postmaster first, so that no child is born meanwhile."""
    postmaster = server.status().pid
    assert postmaster is not None
    os.kill(postmaster, signal.SIGSTOP)
    everybody = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    children = [pid for pid in everybody if parent_of(pid) == postmaster]
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    return [postmaster, *children]


def parent_of(pid: int) -> int | None:
    """proc(5): the second field after the command name, which may itself hold spaces and brackets."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # it ended meanwhile


@asynccontextmanager
async def full(disk: Path) -> AsyncIterator[None]:
    """Not a byte is left."""
    filler = disk / "filler"
    await asyncio.to_thread(fill, filler)
    try:
        yield
    finally:
        filler.unlink()


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


async def has_no_room(hotline: Hotline) -> bool:
    """A table that grows meets the end of the disk."""
    try:
        async with hotline.database.transaction() as session:
            await session.execute(text("CREATE TABLE big AS SELECT repeat('x', 500) FROM generate_series(1, 20000)"))
    except DBAPIError:
        return True
    return False


_TERMINATE_OURS = """
    SELECT pg_terminate_backend(pid), pid, application_name, state, wait_event, backend_start, query
    FROM pg_stat_activity WHERE application_name LIKE 'callcenter%'
"""


TIMES_SEEN_TAKEN = 4


@asynccontextmanager
async def connections_taken(server: EmbeddedPostgres, service: Service) -> AsyncIterator[None]:
    """Somebody else holds every connection there is, and takes each that comes free.

    The service is stopped while its connections are ended and taken: it is back within milliseconds, and would win.
    """
    taken: list[asyncpg.Connection] = []
    url = server.url("postgres")

    async def take_all() -> None:
        """Until PostgreSQL gives no more; each pause lets backends that were ended give back their places."""
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await connect(url, application_name="somebody"))
        await asyncio.sleep(0.05)

    async def are_all_taken() -> bool:
        for _ in range(TIMES_SEEN_TAKEN):
            await take_all()
            if not taken or await taken[0].fetch(_TERMINATE_OURS):
                return False
        return True

    async def keep_it_so() -> None:
        while True:
            await take_all()

    service.signal(signal.SIGSTOP)
    try:
        await until("all connections are taken", are_all_taken, timeout_seconds=60)
    finally:
        service.signal(signal.SIGCONT)
    greedy = asyncio.create_task(keep_it_so())
    try:
        yield
    finally:
        greedy.cancel()
        await asyncio.wait([greedy])
        for connection in taken:
            connection.terminate()
