"""The schema changes while callers are in menus, wait and talk: nobody and nothing of the service notices."""

import asyncio
import json
from pathlib import Path

import httpx

from callcenter.core.migrate import upgrade
from demo.hospital import HOTLINE, PATIENTS
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from demo.stack import Service
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

TEST_REVISIONS = Path(__file__).parents[2] / "support" / "revisions"
"""Expand, fill, index, contract: on calls, queue_visits and agents."""
CALLERS = PATIENTS[:4]
PATIENCE_SECONDS = 150
"""Whoever's key is not heard on a loaded machine hears the whole menu, then reaches a person too."""


async def test_the_schema_is_upgraded_under_calls(hotline: Hotline, database_url: str) -> None:
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"), [Wait(5), HangUp()])
    talks = await hotline.ask_for_a_person(CALLERS[0], [StayUntilHangUp(PATIENCE_SECONDS)])
    await hotline.observer.talking(1)
    waits = await hotline.ask_for_a_person(CALLERS[1], [StayUntilHangUp(PATIENCE_SECONDS)])
    await hotline.observer.waiting("consultation", 1)
    in_menu = await hotline.call(
        CALLERS[2],
        HOTLINE,
        [Wait(hotline.seconds("greeting_known") + 3), Press("2"), StayUntilHangUp(PATIENCE_SECONDS)],
    )

    async def migrate() -> None:
        for revision in ("t001", "t002", "t003", "t004"):
            await asyncio.to_thread(upgrade, database_url, revision, folders=[TEST_REVISIONS])

    lines_before = len(log_lines(service))
    migration = asyncio.create_task(migrate())
    comes = await hotline.ask_for_a_person(CALLERS[3], [StayUntilHangUp(PATIENCE_SECONDS)])
    desk = await hotline.api(service, "agent1002", AGENT_PASSWORD)
    while not migration.done():  # the desk writes the very rows that are migrated
        (await desk.put("/api/v1/agents/me/state", json={"wanted": "paused", "seat": "seat-lotus"})).raise_for_status()
        (await desk.put("/api/v1/agents/me/state", json={"wanted": "logged_out"})).raise_for_status()
    await migration

    for phone in (talks, waits, in_menu, comes):
        await phone.done(PATIENCE_SECONDS + 30)
    calls = await hotline.all_finished(len(CALLERS))
    assert {call.caller_number: call.outcome for call in calls} == {one.e164: "answered" for one in CALLERS}
    for call in calls:
        assert [(visit.outcome, visit.agent_number) for visit in await hotline.visits(call)] == [("answered", "1001")]
    assert failures(log_lines(service)[lines_before:]) == []
    async with httpx.AsyncClient(base_url=service.url) as client:
        ready = (await client.get("/health/ready")).json()
    assert ready["checks"]["schema"] == {"ok": False, "reason": "too-new"}  # what it needs might be gone: it says so


LOADED_MACHINE = "no answer within the limit"
"""A caller went on without the database, since it took over a second: other tests may run beside this one."""


def log_lines(service: Service) -> list[str]:
    return service.log_file.read_text().splitlines()


def failures(lines: list[str]) -> list[str]:
    """What stands above a note."""
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    bad = [entry for entry in entries if entry.get("level") in {"warning", "error", "critical"}]
    return [json.dumps(entry) for entry in bad if entry.get("reason") != LOADED_MACHINE]
