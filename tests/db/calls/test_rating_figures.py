"""Marks in figures: whole numbers, and the agents' add up to the queue's."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from tests.support.api import given_token
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import scenario, table
from tests.support.people import given_queue

PERIOD = {"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-31T00:00:00+08:00"}


@pytest.fixture(autouse=True)
async def marks(tmp_path: Path, database: Database) -> AsyncIterator[None]:
    """Three calls of agent 1001 in ``consultation`` with 5, 2 and no mark; one of 1002 in ``two`` with 4."""
    async with database.transaction() as session:
        for name in ("consultation", "two"):
            await given_queue(session, name)
    folder = LedgerFolder(tmp_path)
    for series, mark in ((1, "5"), (2, "2"), (3, None)):
        folder.append(scenario("agent_hangs_up", series=series, start=series * 10))
        if mark:
            caller = f"PJSIP/trunk-00000010 pbx1-{series}.16 pbx1-{series}.16"
            folder.append(table(f"3.6823 CC_RATING {caller} mark={mark}", start=series * 10))
    folder.append(scenario("blind_to_queue", series=4, start=100))
    folder.append(table("9.9 CC_RATING PJSIP/trunk-00000020 pbx1-4.32 pbx1-4.32 mark=4", start=100))
    await read_all(folder, database)
    yield


async def headers(database: Database, role: Role, *queues: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await given_token(database, role, queue_scope=queues)}"}


async def ratings(client: httpx.AsyncClient, asker: dict[str, str], **criteria: str) -> list[tuple[object, ...]]:
    answer = await client.get("/api/v1/ratings", params={**PERIOD, **criteria}, headers=asker)
    assert answer.status_code == 200, answer.text
    return [(row["queue_name"], row["agent_number"], row["rated"], row["rating_sum"]) for row in answer.json()["rows"]]


async def test_of_agents_and_queues(client: httpx.AsyncClient, database: Database) -> None:
    asker = await headers(database, Role.QUALITY)
    assert await ratings(client, asker) == [("consultation", "1001", 2, 7), ("two", "1002", 1, 4)]
    for queue, rated, rating_sum in (("consultation", 2, 7), ("two", 1, 4)):
        figures = (await client.get(f"/api/v1/queues/{queue}/figures", params=PERIOD, headers=asker)).json()
        assert (figures["rated"], figures["rating_sum"]) == (rated, rating_sum)
        assert figures["average_rating"] == rating_sum / rated
    assert await ratings(client, asker, agent="1002") == [("two", "1002", 1, 4)]
    assert await ratings(client, asker, queue="consultation") == [("consultation", "1001", 2, 7)]


async def test_a_supervisor_sees_the_queues_steered(client: httpx.AsyncClient, database: Database) -> None:
    asker = await headers(database, Role.SUPERVISOR, "two")
    assert await ratings(client, asker) == [("two", "1002", 1, 4)]
    assert await ratings(client, asker, queue="consultation") == []


async def test_they_stand_with_call_and_visit(client: httpx.AsyncClient, database: Database) -> None:
    asker = await headers(database, Role.QUALITY)
    call = (await client.get("/api/v1/calls/pbx1-4.32", headers=asker)).json()
    assert (call["rating"], [visit["rating"] for visit in call["visits"]]) == (4, [None, 4])


async def test_an_empty_period_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    params = {"from": PERIOD["from"], "to": PERIOD["from"]}
    answer = await client.get("/api/v1/ratings", params=params, headers=await headers(database, Role.QUALITY))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-period")
