"""Looks at the running installation until something is so: polls the database with a deadline, never sleeps blindly."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Select, func, select

from callcenter.agents.models import Activity, Agent, Seat
from callcenter.asterisk.local_pbx import LocalPbx
from callcenter.core.db import Database
from callcenter.directory.articles import Section
from callcenter.ivr.articles import DatabaseArticles
from callcenter.queues.models import WaitingCaller
from demo.hospital import SampleAgent

POLL_SECONDS = 0.1


class NeverHappened(AssertionError):
    """What was waited for did not come in time."""


T = TypeVar("T")


async def until(what: str, look: Callable[[], Awaitable[T]], *, timeout_seconds: float = 20.0) -> T:
    """Call ``look`` until it returns something true, and return that. Raises NeverHappened."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while True:
        seen = await look()
        if seen:
            return seen
        if asyncio.get_running_loop().time() > deadline:
            raise NeverHappened(f"{what}: not within {timeout_seconds:g} s (last seen: {seen!r})")
        await asyncio.sleep(POLL_SECONDS)


@dataclass(slots=True)
class Observer:
    """What can be waited for. Live tables and Asterisk's own console are looked at, records are not."""

    database: Database
    pbx: LocalPbx

    async def telephone_is_there(self, seat: str) -> None:
        """The service knows that a telephone is registered at the seat: before that nobody is available there."""

        async def look() -> bool:
            async with self.database.transaction() as session:
                found = await session.get(Seat, seat)
                return found is not None and found.registered

        await until(f"a telephone at {seat}", look)

    async def agent_takes_calls(self, agent: SampleAgent) -> None:
        """Asterisk has the agent as an unpaused member of all their queues, at a telephone that is there."""

        async def look() -> bool:
            shown = await asyncio.to_thread(self.pbx.cli, "queue show")
            lines = [line for line in shown.splitlines() if f"agent-{agent.number} " in line]
            # more than their queues: those that only Asterisk has (asterisk/queue_names.py)
            return len(lines) >= len(agent.queues) and not any(
                "paused" in line or "Unavailable" in line for line in lines
            )

        await until(f"agent {agent.number} takes calls", look)

    async def agent_is_paused(self, agent: SampleAgent) -> None:
        """Asterisk offers the agent no call."""

        async def look() -> bool:
            shown = await asyncio.to_thread(self.pbx.cli, "queue show")
            lines = [line for line in shown.splitlines() if f"agent-{agent.number} " in line]
            return bool(lines) and all("paused" in line for line in lines)

        await until(f"agent {agent.number} is paused", look)

    async def talking(self, agents: int) -> None:
        """At least this many agents are on a call."""
        await until(f"{agents} agents talk", lambda: self._count_agents(Activity.ON_CALL, agents), timeout_seconds=40)

    async def pause(self, seconds: float) -> None:
        """A person's pause in the story; nothing is waited for."""
        await asyncio.sleep(seconds)

    async def waiting(self, queue: str, callers: int) -> None:
        """At least this many callers wait in ``queue``."""

        async def look() -> bool:
            query = select(func.count()).where(WaitingCaller.queue_name == queue)
            return (await self._scalar(query) or 0) >= callers

        await until(f"{callers} wait in {queue}", look, timeout_seconds=40)

    async def channels(self) -> int:
        """How many channels Asterisk has up."""
        shown = await asyncio.to_thread(self.pbx.cli, "core show channels count")
        return int(shown.split()[0])

    async def in_step(self, e164: str) -> None:
        """This caller's channel is with the flow (``[flow]``, extension ``s``)."""

        async def look() -> bool:
            shown = await asyncio.to_thread(self.pbx.cli, "core show channels concise")
            number = e164.removeprefix("+86")
            return any("!flow!s!" in line and f"!{number}!" in line for line in shown.splitlines())

        await until("a caller is in the menu", look)

    async def article_is_spoken(self, section: Section, number: int) -> None:
        """Its audio is ready for the next caller."""
        articles = DatabaseArticles(self.database)

        async def look() -> bool:
            return await articles.find_by_number(section, number, "zh") is not None

        await until(f"article {number} of {section} is spoken", look, timeout_seconds=180)

    async def _count_agents(self, activity: Activity, at_least: int) -> bool:
        query = select(func.count()).where(Agent.activity == activity)
        return (await self._scalar(query) or 0) >= at_least

    async def _scalar(self, query: Select[int]) -> int | None:
        async with self.database.transaction() as session:
            found: int | None = await session.scalar(query)
            return found
