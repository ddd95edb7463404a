"""Agents at their desks while the hotline is busy: when does a screen say what Asterisk said, and is it still right?

Each agent has a socket as a page has (docs/agent-api.md), seats are SIPp, and patients call as in bench/calls.py. The
clock starts when this bench, with an AMI session of its own, has read Asterisk's event that an agent's telephone rings
or is answered, and stops when the agent's socket has the message. At the end the three that must say the same are
compared for every agent: the database, Asterisk's QueueStatus, and the last thing the desk was told.
"""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import select
from websockets.asyncio.client import connect

from bench.busy_hotline import BusyHotline, busy_hotline
from bench.calls import CallBench, Step
from bench.figures import Figure
from bench.places import bench_database, bench_directory
from callcenter.accounts.models import Role
from callcenter.agents.models import Activity, Agent, Wanted
from callcenter.agents.service import number_of_member
from callcenter.asterisk.events import AgentCalled, AgentConnect, parse_event
from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.snapshot import read_queues
from callcenter.core.secrets import get_secret
from demo.observer import until
from tests.support.api import given_log_in

AGENTS = 200
RATE = float(os.environ.get("BENCH_DESK_RATE", "20"))
"""Calls a second."""
SECONDS = float(os.environ.get("BENCH_DESK_SECONDS", "60"))
"""The figure of record is made with 300."""
PATIENTS = 30_000
GOAL_P99_MS = 300.0
FLAT = 1.15
"""The memory of the service at the end against that after a third of the calls."""
_TOLD = {AgentCalled: Activity.RINGING, AgentConnect: Activity.ON_CALL}
_WORDS = frozenset(kind.__name__ for kind in _TOLD)

Key = tuple[str, str, str]
"""Agent's number, activity, call."""


@dataclass(slots=True)
class Desk:
    """One agent's socket. ``state``: what it was told last."""

    number: str
    token: str
    state: Mapping[str, Any] = field(default_factory=dict)
    messages: int = 0


@dataclass(slots=True)
class Times:
    """``loop.time()`` at which Asterisk's event was read, and at which the desk's message was."""

    said: dict[Key, float] = field(default_factory=dict)
    told: dict[Key, float] = field(default_factory=dict)

    def on_event(self, headers: Mapping[str, str]) -> None:
        if headers.get("Event") not in _WORDS:
            return
        event = parse_event(headers)
        if isinstance(event, AgentCalled | AgentConnect):
            number = number_of_member(event.member_name) or ""
            key = (number, _TOLD[type(event)].value, event.linkedid)
            self.said.setdefault(key, asyncio.get_running_loop().time())

    def lags_ms(self) -> list[float]:
        """In order; of what came on both ways."""
        both = self.said.keys() & self.told.keys()
        return sorted(max(0.0, self.told[key] - self.said[key]) * 1_000 for key in both)


@dataclass(frozen=True, slots=True)
class Result:
    step: Step
    lags_ms: list[float]
    untold: int
    """Events whose message no desk got."""
    messages: int
    drifted: list[str]
    """Agents of whom the three do not say the same."""
    service_mb: tuple[float, float]
    """After a third of the calls, and at the end."""


async def measure(directory: Path, database_url: str, *, agents: int = AGENTS, seconds: float = SECONDS) -> Result:
    async with busy_hotline(directory, database_url, patients=PATIENTS, seats=agents) as hotline:
        await hotline.open()
        desks = await _log_in(hotline)
        times = Times()
        ami = _ami(hotline, times)
        watching = asyncio.create_task(ami.run())
        sockets = await _open_sockets(hotline, desks, times)
        try:
            await ami.wait_connected(10)
            bench = CallBench(hotline)
            await bench.step(RATE, seconds / 3, ours=True)
            warm_mb = hotline.service_mb()
            step = await bench.step(RATE, seconds * 2 / 3, ours=True)
            await until("every desk is told what holds", lambda: _is_quiet(hotline, desks), timeout_seconds=30)
            drifted = await _drifted(hotline, ami, desks)
            return Result(
                step=step,
                lags_ms=times.lags_ms(),
                untold=len(times.said.keys() - times.told.keys()),
                messages=sum(desk.messages for desk in desks.values()),
                drifted=drifted,
                service_mb=(warm_mb, hotline.service_mb()),
            )
        finally:
            for socket in sockets:
                socket.cancel()
            await asyncio.gather(*sockets, return_exceptions=True)
            await ami.close()
            await watching


async def _log_in(hotline: BusyHotline) -> dict[str, Desk]:
    """A user and a log-in for each agent; without two hundred slow passwords."""
    desks = {}
    async with hotline.database.transaction() as session:
        for agent in await session.scalars(select(Agent).where(Agent.wanted == Wanted.AVAILABLE)):
            agent.user_id, token = await given_log_in(session, Role.AGENT)
            desks[agent.number] = Desk(agent.number, token)
    return desks


def _ami(hotline: BusyHotline, times: Times) -> AmiSession:
    settings = hotline.settings
    return AmiSession(
        host=settings.ami_host,
        port=settings.ami_port,
        username="cc_events",
        secret=get_secret(settings, "ami_events_secret"),
        name="bench",
        on_event=times.on_event,
    )


async def _open_sockets(hotline: BusyHotline, desks: Mapping[str, Desk], times: Times) -> list[asyncio.Task[None]]:
    address = f"http://127.0.0.1:{hotline.settings.api_port}"
    tasks = []
    async with httpx.AsyncClient(base_url=address, timeout=30) as http:
        for desk in desks.values():
            headers = {"Authorization": f"Bearer {desk.token}"}
            answer = await http.post("/api/v1/agents/me/tickets", headers=headers)
            answer.raise_for_status()
            tasks.append(asyncio.create_task(_sit(address, desk, answer.json()["ticket"], times)))
    await until("every desk has said hello", lambda: _all(bool(desk.state) for desk in desks.values()))
    return tasks


async def _sit(address: str, desk: Desk, ticket: str, times: Times) -> None:
    loop = asyncio.get_running_loop()
    uri = address.replace("http://", "ws://", 1) + "/api/v1/agents/me/socket"
    async with connect(uri, proxy=None) as socket:
        await socket.send(orjson.dumps({"version": 1, "ticket": ticket, "after": None}).decode())
        async for frame in socket:
            at = loop.time()
            message = orjson.loads(frame)
            if message["type"] == "hello":
                desk.state = message["after"]["state"]
            elif message["type"] == "state":
                desk.state = message["after"]
                desk.messages += 1
                key = (desk.number, str(desk.state["activity"]), str(desk.state["call_id"]))
                times.told.setdefault(key, at)


async def _all(facts: Iterator[bool]) -> bool:
    return all(facts)


async def _is_quiet(hotline: BusyHotline, desks: Mapping[str, Desk]) -> bool:
    """Nobody rings, talks or wraps up any more, and the desks know."""
    async with hotline.database.transaction() as session:
        busy = (await session.scalars(select(Agent.number).where(Agent.activity != Activity.IDLE).limit(1))).first()
    return busy is None and all(desk.state["activity"] == Activity.IDLE for desk in desks.values())


async def _drifted(hotline: BusyHotline, ami: AmiSession, desks: Mapping[str, Desk]) -> list[str]:
    members, _ = await read_queues(ami)
    async with hotline.database.transaction() as session:
        agents = {agent.number: agent for agent in await session.scalars(select(Agent))}
    in_asterisk: dict[str, set[tuple[bool, bool]]] = {}
    for member in members:
        number = number_of_member(member.member_name) or ""
        in_asterisk.setdefault(number, set()).add((member.paused, member.in_call))
    return [
        number
        for number, desk in desks.items()
        for agent in [agents[number]]
        if (agent.wanted, agent.activity) != (desk.state["wanted"], desk.state["activity"])
        or in_asterisk.get(number) != {(agent.wanted != Wanted.AVAILABLE, agent.activity == Activity.ON_CALL)}
    ]


def run() -> Iterator[Figure]:
    with bench_directory() as directory, bench_database() as url:
        result = asyncio.run(measure(directory, url))
    yield from figures_of(result)


def figures_of(result: Result) -> Iterator[Figure]:
    lags = result.lags_ms
    print(f"  {len(lags)} events told in {result.messages} messages", file=sys.stderr)
    run_of = f"{AGENTS} desks, {RATE:g} calls/s for {SECONDS:g} s"
    yield Figure(f"Asterisk's event to the desk's message, p99 ({run_of})", _share(lags, 0.99), "ms", goal=GOAL_P99_MS)
    yield Figure("... p50", _share(lags, 0.5), "ms")
    yield Figure("... events of which the desk was not told", result.untold, "events", goal=0)
    yield Figure("... agents of whom database, Asterisk and desk differ at the end", len(result.drifted), "", goal=0)
    yield Figure("... calls that failed", result.step.failed + result.step.unserved, "calls", goal=0)
    warm_mb, end_mb = result.service_mb
    yield Figure("... memory of the service", end_mb, "MB", warm_mb, "after a third of the calls", goal=FLAT)


def _share(values: list[float], share: float) -> float:
    return values[int(len(values) * share)] if values else float("nan")
