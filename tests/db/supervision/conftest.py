"""A small hotline as supervisors see it: two queues, four agents, callers, and the API on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import uvicorn

from callcenter.agents import service as agents
from callcenter.agents.models import Activity, Agent, Seat
from callcenter.app import create_app
from callcenter.calls.models import Call, CallStep, QueueVisit
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.patients.models import Patient, VipGrade
from callcenter.queues import service as queues
from callcenter.queues.models import Did, WaitingCaller
from tests.support.people import BY_AGENT, PBX, given_agent, given_queue, given_reason, given_seats


@dataclass(slots=True)
class Event:
    """One server-sent event."""

    kind: str
    data: dict[str, Any]


class Stream:
    """Reads events as they come; comments are left out."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self, within_seconds: float = 20.0) -> Event:
        """Raises StopAsyncIteration when the server has ended it."""
        kind = ""
        async with asyncio.timeout(within_seconds):
            while True:
                line = await anext(self._lines)
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return Event(kind, orjson.loads(line.removeprefix("data: ")))

    async def until(self, accept: Any, within_seconds: float = 20.0) -> Event:
        async with asyncio.timeout(within_seconds):
            while True:
                event = await self.next()
                if accept(event):
                    return event


@asynccontextmanager
async def opened(client: httpx.AsyncClient, headers: dict[str, str]) -> AsyncIterator[Stream]:
    async with client.stream(
        "GET", "/api/v1/supervision/stream", headers={**headers, "Accept": "text/event-stream"}
    ) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response)


@pytest.fixture
async def served(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API on a socket of its own: the client of the other tests hands over an answer only when it is whole."""
    app = create_app(Settings(state_dir=tmp_path / "state", trunk_channels=30), database)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=20) as client:
        yield client
    server.should_exit = True
    await asyncio.wait({task})


@pytest.fixture(autouse=True)
async def hotline(database: Database) -> None:
    """Queues `mine` and `theirs`; 1001 and 1002 serve `mine`, 1003 both, 1004 `theirs`."""
    async with database.transaction() as session:
        await given_seats(session, "seat-rose", "seat-lotus", "seat-maple", "seat-iris", "seat-lead")
        for seat in ("seat-rose", "seat-lotus", "seat-maple", "seat-iris", "seat-lead"):
            row = await session.get_one(Seat, seat)
            row.registered, row.registered_at = True, now()
        await given_reason(session, "lunch")
        await given_queue(session, "mine", service_level_seconds=20, short_abandon_seconds=5)
        await given_queue(session, "theirs")
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="mine"))
        session.add(VipGrade(code="gold", label_zh="金卡", label_en="Gold", head_start_seconds=600))
        for number, of in (("1001", ["mine"]), ("1002", ["mine"]), ("1003", ["mine", "theirs"]), ("1004", ["theirs"])):
            await given_agent(session, number, queues=of)


async def seated(database: Database, number: str, seat: str, *, available: bool = True) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number, lock=True)
        await queues.log_in(session, agent, seat, pbx=PBX, **BY_AGENT)
        if available:
            await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)


async def does(database: Database, number: str, activity: Activity, call_id: str | None = None) -> None:
    """As Asterisk's events tell it."""
    async with database.transaction() as session:
        agent: Agent = await agents.get_agent(session, number, lock=True)
        await agents.record_activity(session, agent, activity, call_id=call_id)


async def waits(
    database: Database, uniqueid: str, queue: str, *, priority: int = 0, number: str = "13800000001"
) -> None:
    async with database.transaction() as session:
        session.add(
            WaitingCaller(
                uniqueid=uniqueid,
                queue_name=queue,
                pbx=PBX,
                caller_number=number,
                priority=priority,
                joined_at=now() - timedelta(seconds=30),
            )
        )
        await announce(session, queues.TOPIC, [queue])


async def given_call(
    database: Database,
    call_id: str,
    *,
    queue: str | None = None,
    visit: str | None = None,
    reason: str | None = None,
    at: datetime | None = None,
    wait_seconds: float = 0.0,
    talk_seconds: float = 0.0,
    state: str = "open",
    name: str | None = None,
    **values: Any,
) -> None:
    """As the ledger tells it; ``visit``: the outcome of its one stay in ``queue``."""
    at = at or now() - timedelta(seconds=40)
    async with database.transaction() as session:
        patient = None
        if name:
            patient = Patient(external_id=call_id, name=name, created_at=at, updated_at=at)
            session.add(patient)
            await session.flush()
        session.add(
            Call(
                **{
                    "id": call_id,
                    "pbx": PBX,
                    "direction": "inbound",
                    "caller_number": "+8613800000001",
                    "dialled_number": "8000",
                    "queue_name": queue,
                    "patient_id": patient.id if patient else None,
                    "state": state,
                    "outcome": "open" if state == "open" else "answered",
                    "started_at": at,
                    "ended_at": None if state == "open" else at + timedelta(seconds=60),
                    "derived_at": at,
                    **values,
                }
            )
        )
        if queue and visit:
            session.add(
                QueueVisit(
                    call_id=call_id,
                    uniqueid=call_id,
                    number=1,
                    queue_name=queue,
                    priority=0,
                    outcome=visit,
                    reason=reason,
                    entered_at=at,
                    wait_seconds=wait_seconds,
                    talk_seconds=talk_seconds,
                )
            )
        else:
            session.add(CallStep(call_id=call_id, number=1, at=at, flow="main", step="greet", outcome="next"))
