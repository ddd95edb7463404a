"""What e2e scenarios say: agents log in, somebody calls, the record shows."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import select

from callcenter.agents import service as agents
from callcenter.agents.models import Cause
from callcenter.calls.models import Call, CallStep, QueueVisit
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.secrets import get_secret
from callcenter.ivr.prompts import PromptLibrary, load_prompts
from callcenter.queues import service as queues
from demo import hospital
from demo.hospital import AGENTS, SampleAgent, SamplePatient
from demo.observer import Observer, until
from demo.phones import Phone, PhoneSystem
from demo.sip_scenarios import HangUp, Press, Step, Wait
from demo.stack import Service, Stack

ADMIN_PASSWORD = "admin of this test"
AGENT_PASSWORD = "agent of this test"


class Hotline:
    """A private installation of the sample hospital. ``async with``: the PBX runs, telephones can be plugged in."""

    def __init__(self, settings: Settings, database_url: str, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.stack = Stack(settings, database_url)
        self.phones = PhoneSystem(settings.sip_port)
        self.prompts: PromptLibrary = load_prompts(settings.prompts_dir)
        self.seat_passwords: dict[str, str] = {}
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "Hotline":
        await self._exit.enter_async_context(self.stack)
        try:
            async with self.database.transaction() as session:
                self.seat_passwords = await hospital.load(
                    session,
                    code_key=get_secret(self.settings, "check_code_key"),
                    admin_password=ADMIN_PASSWORD,
                    agent_password=AGENT_PASSWORD,
                    wrap_up_seconds=1,
                )
            await self.stack.start_pbx(self.database)
            await self._exit.enter_async_context(self.phones)
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._exit.aclose()

    @property
    def observer(self) -> Observer:
        return Observer(self.database, self.stack.pbx)

    def missing_in_asterisk(self) -> list[str]:
        """What the dialplan names and no module has: Asterisk goes on without it, and says so in its log only."""
        log = self.settings.pbx_dir / "log" / "messages.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line for line in lines if "not registered" in line or "No application '" in line]

    def evidence(self) -> str:
        """What the processes wrote, for a failed scenario's report."""
        logs = [
            self.settings.pbx_dir / "log" / name for name in ("messages.log", "queue_log", "cel-custom/ledger.jsonl")
        ]
        logs += [service.log_file for service in self.stack.services]
        parts = [f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs if log.exists()]
        parts += [f"== {phone.name}\n{phone.trace(3000)}" for phone in self.phones.phones]
        return "\n".join(parts)

    # -- agents

    async def agent_sits_down(
        self,
        agent: SampleAgent,
        steps: Sequence[Step] = (Wait(3), HangUp()),
        *,
        ring_seconds: float = 0.5,
        calls: int | None = None,
    ) -> Phone:
        """Telephone registered, agent available, Asterisk knows it (an engine must be running)."""
        phone = await self.phones.plug_in(
            agent.seat, self.seat_passwords[agent.seat], steps, ring_seconds=ring_seconds, calls=calls
        )
        await self.agent_available(agent)
        await self.observer.agent_takes_calls(agent)
        return phone

    async def agent_available(self, agent: SampleAgent) -> None:
        """As the agent API does it, in one transaction."""
        pbx = self.settings.pbx_name
        async with self.database.transaction() as session:
            row = await agents.get_agent(session, agent.number, lock=True)
            await queues.log_in(session, row, agent.seat, pbx=pbx, cause=Cause.AGENT, actor_name="test")
            await queues.set_available(session, row, pbx=pbx, cause=Cause.AGENT, actor_name="test")

    async def agent_pauses(self, agent: SampleAgent) -> None:
        """Stays logged in, so that callers may wait, and takes no call."""
        async with self.database.transaction() as session:
            row = await agents.get_agent(session, agent.number, lock=True)
            await queues.pause(session, row, "lunch", pbx=self.settings.pbx_name, cause=Cause.AGENT, actor_name="test")

    async def agent_leaves(self, agent: SampleAgent) -> None:
        """Logs out, as the agent API does it."""
        async with self.database.transaction() as session:
            row = await agents.get_agent(session, agent.number, lock=True)
            await queues.log_out(session, row, pbx=self.settings.pbx_name, cause=Cause.AGENT, actor_name="test")

    # -- callers

    async def call(self, patient: SamplePatient, to: str, steps: Sequence[Step]) -> Phone:
        return await self.phones.call(patient.number, to, steps, name=patient.name)

    async def ask_for_a_person(self, patient: SamplePatient, then: Sequence[Step]) -> Phone:
        """A known patient dials the hotline and presses 2 as soon as the greeting is over."""
        return await self.call(
            patient, hospital.HOTLINE, [Wait(self.seconds("greeting_known") + 1.0), Press("2"), *then]
        )

    def seconds(self, prompt: str) -> float:
        return self.prompts.duration_seconds(prompt, "zh")

    async def no_calls_left(self) -> None:
        async def look() -> bool:
            return await self.observer.channels() == 0

        await until("all calls have ended", look)

    # -- records

    async def finished_call(self, number: str | None, *, timeout_seconds: float = 20.0) -> Call:
        """The one finished call of this caller, as derived from the ledger."""

        async def look() -> Call | None:
            calls = [call for call in await self.calls() if call.caller_number == number and call.ended_at]
            assert len(calls) <= 1, f"{len(calls)} calls of one caller"
            return calls[0] if calls else None

        found = await until(f"the record of {number}", look, timeout_seconds=timeout_seconds)
        assert found is not None
        return found

    async def all_finished(self, count: int) -> Sequence[Call]:
        """Exactly ``count`` calls, all of them finished."""

        async def look() -> Sequence[Call]:
            calls = await self.calls()
            return calls if len(calls) >= count and all(call.ended_at for call in calls) else []

        calls = await until(f"{count} finished calls", look)
        assert len(calls) == count
        return calls

    async def calls(self) -> Sequence[Call]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(Call).order_by(Call.started_at))).all()

    async def visits(self, call: Call) -> Sequence[QueueVisit]:
        async with self.database.transaction() as session:
            query = select(QueueVisit).where(QueueVisit.call_id == call.id).order_by(QueueVisit.number)
            return (await session.scalars(query)).all()

    async def steps(self, call: Call) -> list[str]:
        async with self.database.transaction() as session:
            query = select(CallStep).where(CallStep.call_id == call.id).order_by(CallStep.number)
            return [f"{step.step}:{step.outcome}" for step in (await session.scalars(query)).all()]

    async def step_times(self, call: Call) -> list[datetime]:
        """When each step of :meth:`steps` ended."""
        async with self.database.transaction() as session:
            query = select(CallStep.at).where(CallStep.call_id == call.id).order_by(CallStep.number)
            return list(await session.scalars(query))

    # -- API

    async def api(self, service: Service, username: str = "admin", password: str = ADMIN_PASSWORD) -> httpx.AsyncClient:
        """A client logged in to one process of the service; closed with the hotline."""
        client = await self._exit.enter_async_context(httpx.AsyncClient(base_url=service.url, timeout=10))
        login = await client.post("/api/v1/auth/login", json={"username": username, "password": password})
        login.raise_for_status()
        client.headers["Authorization"] = f"Bearer {login.json()['token']}"
        return client


def agent(number: str) -> SampleAgent:
    return next(agent for agent in AGENTS if agent.number == number)


def seconds_between(earlier: datetime | None, later: datetime | None) -> float:
    assert earlier is not None
    assert later is not None
    return (later - earlier).total_seconds()


Json = dict[str, Any]
