"""PostgreSQL away for 20 s under calls: nobody is dropped, nothing is missing afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.migrate import upgrade
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent

OUTAGE_SECONDS = 20.0


@pytest.fixture
async def own_postgres(settings: Settings) -> AsyncIterator[EmbeddedPostgres]:
    """A server that this test may stop."""
    server = EmbeddedPostgres(Path(settings.state_dir) / "postgres", fast=True)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def test_database_stopped_for_twenty_seconds(settings: Settings, own_postgres: EmbeddedPostgres) -> None:
    url = own_postgres.url("callcenter")
    await asyncio.to_thread(upgrade, url)
    database = Database(url)
    async with Hotline(settings, url, database) as hotline:
        service = await hotline.stack.start_service()
        await hotline.agent_sits_down(agent("1001"), [Wait(8), HangUp()])
        before = await hotline.ask_for_a_person(PATIENTS[0], [StayUntilHangUp(90)])
        await hotline.observer.talking(1)
        waits = await hotline.ask_for_a_person(PATIENTS[1], [StayUntilHangUp(90)])
        await hotline.observer.waiting("consultation", 1)

        await asyncio.to_thread(own_postgres.stop)
        back = asyncio.get_running_loop().time() + OUTAGE_SECONDS
        # a new caller in the outage: not recognised, still heard, still served
        during = await hotline.call(
            PATIENTS[2], HOTLINE, [Wait(hotline.seconds("greeting") + 2), Press("0"), StayUntilHangUp(90)]
        )
        await asyncio.sleep(back - asyncio.get_running_loop().time())  # the outage itself, not a wait for something
        await asyncio.to_thread(own_postgres.start)

        for caller in (before, waits, during):
            await caller.done(90)
        await service.ready(30)
        for patient in PATIENTS[:3]:
            call = await hotline.finished_call(patient.e164, timeout_seconds=40)
            (visit,) = await hotline.visits(call)
            assert (call.outcome, visit.outcome, visit.agent_number) == ("answered", "answered", "1001"), patient.name
        assert len(await hotline.calls()) == 3

        async def members_are_back() -> bool:
            return "agent-1001" in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show consultation")

        await until("the agent is a member", members_are_back)
    await database.close()
