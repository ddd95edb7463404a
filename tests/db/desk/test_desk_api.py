"""An agent's own desk over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role, User
from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents import telephones
from callcenter.agents.models import Cause
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.api import as_role
from tests.support.locks import waits_for_a_lock
from tests.support.people import commands_of, given_agent, given_queue, given_reason, given_seats, history_of, state_of

ME, STATE = "/api/v1/agents/me", "/api/v1/agents/me/state"
Headers = dict[str, str]


@pytest.fixture
async def li_na(database: Database) -> Headers:
    """Headers of agent 1001's log-in."""
    headers = await as_role(database, Role.AGENT)
    async with database.transaction() as session:
        user = (await session.scalars(select(User))).one()
        await given_seats(session, "seat-rose", "seat-lotus")
        await given_reason(session, "lunch")
        await given_queue(session, "vip")
        await given_agent(session, queues=["vip"], user_id=user.id)
        await given_agent(session, "1002")
    return headers


async def put(client: httpx.AsyncClient, headers: Headers, **body: Any) -> httpx.Response:
    return await client.put(STATE, json=body, headers=headers)


async def test_a_day_at_the_desk(client: httpx.AsyncClient, database: Database, li_na: Headers) -> None:
    answer = await put(client, li_na, wanted="available", seat="seat-rose")
    assert answer.status_code == 200
    assert (answer.json()["wanted"], answer.json()["seat_name"], answer.json()["sequence"]) == (
        "available",
        "seat-rose",
        3,  # seated, its telephone, available
    )
    paused = (await put(client, li_na, wanted="paused", reason="lunch")).json()
    assert (paused["wanted"], paused["pause_reason"]) == ("paused", "lunch")
    assert (await client.get(ME, headers=li_na)).json() == paused
    assert (await put(client, li_na, wanted="available")).json()["pause_reason"] is None
    out = (await put(client, li_na, wanted="logged_out")).json()
    assert (out["wanted"], out["seat_name"]) == ("logged_out", None)
    history = await history_of(database)
    assert [change.wanted for change in history] == ["paused", "available", "paused", "available", "logged_out"]
    assert {(change.cause, change.actor_name.startswith("user-")) for change in history} == {("agent", True)}
    assert [command.action for command in await commands_of(database)] == [
        "queue_add",
        "queue_pause",
        "queue_pause",
        "queue_pause",
        "queue_remove",
    ]
    async with database.transaction() as session:
        audited = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    assert [(one.action, one.subject_id, one.details["wanted"]) for one in audited] == [
        ("agents.set_state", "1001", wanted) for wanted in ("available", "paused", "available", "logged_out")
    ]


async def test_logging_in_pauses(client: httpx.AsyncClient, li_na: Headers) -> None:
    answer = (await put(client, li_na, wanted="paused", seat="seat-rose")).json()
    assert (answer["wanted"], answer["pause_reason"]) == ("paused", None)
    again = await put(client, li_na, wanted="paused", seat="seat-rose")
    assert again.json()["sequence"] == answer["sequence"]


async def test_who_sits_there_already_pauses_only_with_a_reason(client: httpx.AsyncClient, li_na: Headers) -> None:
    """Otherwise the answer would be 200 and calls would go on coming."""
    await put(client, li_na, wanted="available", seat="seat-rose")
    answer = await put(client, li_na, wanted="paused", seat="seat-rose")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-pause-reason")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"wanted": "available"}, (409, "agent-not-logged-in")),
        ({"wanted": "paused", "reason": "lunch"}, (409, "agent-not-logged-in")),
        ({"wanted": "available", "seat": "seat-nowhere"}, (404, "seat-not-found")),
        ({"wanted": "available", "seat": "seat-lotus"}, (409, "seat-taken")),
        ({"wanted": "paused", "seat": "seat-rose", "reason": "unheard-of"}, (422, "unknown-pause-reason")),
        ({"wanted": "paused"}, (422, "validation-failed")),
        ({"wanted": "available", "reason": "lunch"}, (422, "validation-failed")),
        ({"wanted": "ready"}, (422, "validation-failed")),
        ({}, (422, "validation-failed")),
        ({"wanted": "available", "seat": "seat-rose", "queue": "vip"}, (422, "validation-failed")),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, li_na: Headers, body: dict[str, str], refusal: tuple[int, str]
) -> None:
    async with database.transaction() as session:
        other = await agents.get_agent(session, "1002", lock=True)
        other.seat_name, other.wanted = "seat-lotus", "paused"
    answer = await put(client, li_na, **body)
    assert (answer.status_code, answer.json()["code"]) == refusal
    assert await history_of(database) == []
    assert await commands_of(database) == []
    assert (await state_of(database)).seat_name is None


@pytest.mark.parametrize(
    "name", ["a|b", "lunch\r\nAction: Originate", "a&b", "lunch break", "${EXTEN}", "", "午餐", "x\ny"]
)
async def test_names_with_a_meaning_of_their_own_are_refused(
    client: httpx.AsyncClient, li_na: Headers, name: str
) -> None:
    for body in ({"wanted": "paused", "reason": name}, {"wanted": "available", "seat": f"seat-{name}|"}):
        answer = await put(client, li_na, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")


async def test_two_wishes_at_once_follow_one_another(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    await put(client, li_na, wanted="available", seat="seat-rose")
    async with database.transaction() as session:
        await agents.get_agent(session, "1001", lock=True)
        wishes = [
            asyncio.create_task(put(client, li_na, wanted="paused", reason="lunch")),
            asyncio.create_task(put(client, li_na, wanted="logged_out")),
        ]
        await waits_for_a_lock(database)
    assert {(await wish).status_code for wish in wishes} <= {200, 409}
    await history_of(database)
    assert (await state_of(database)).wanted == "logged_out"


async def test_the_desk_is_for_agents(client: httpx.AsyncClient, database: Database, li_na: Headers) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    roles = {
        operation["operationId"]: operation["x-roles"]
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if path.startswith(ME)
    }
    assert roles == {name: ["admin", "agent", "expert"] for name in roles}
    nobody = await as_role(database, Role.EXPERT)
    for answer in (await client.get(ME, headers=nobody), await put(client, nobody, wanted="logged_out")):
        assert (answer.status_code, answer.json()["code"]) == (404, "agent-not-found")
    assert (await client.get(ME)).status_code == 401


async def test_who_has_no_telephone_cannot_become_available(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    """Not by the page either when it changes the seat; who is available stays so when the telephone goes."""
    await has_telephone(database, "seat-rose", False)
    refused = await put(client, li_na, wanted="available", seat="seat-rose")
    assert (refused.status_code, refused.json()["code"], refused.json()["details"]) == (
        409,
        "telephone-away",
        {"seat": "seat-rose"},
    )
    assert await history_of(database) == []
    assert (await put(client, li_na, wanted="paused", seat="seat-rose")).status_code == 200
    assert (await put(client, li_na, wanted="available")).json()["code"] == "telephone-away"
    await has_telephone(database, "seat-rose", True)
    assert (await put(client, li_na, wanted="available")).status_code == 200
    await has_telephone(database, "seat-rose", False)
    assert (await client.get(ME, headers=li_na)).json()["wanted"] == "available"


async def has_telephone(database: Database, seat: str, registered: bool) -> None:
    async with database.transaction() as session:
        await telephones.record_registration(session, seat, registered, now())


async def test_a_reason_that_only_a_rule_gives_is_not_to_be_chosen(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    async with database.transaction() as session:
        await agent_queries.put_system_reason(session, "missed_calls", label_zh="多次未接", label_en="Missed calls")
    answer = await put(client, li_na, wanted="paused", seat="seat-rose", reason="missed_calls")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-pause-reason")
    listed = (await client.get("/api/v1/pause-reasons", headers=li_na)).json()
    assert {one["code"]: one["by_system"] for one in listed} == {"lunch": False, "missed_calls": True}


async def test_agent_and_supervisor_at_one_moment(
    client: httpx.AsyncClient, database: Database, li_na: Headers
) -> None:
    """Both happen, one after the other; each is told with who it was; the later holds."""
    await put(client, li_na, wanted="available", seat="seat-rose")
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await agents.pause(session, agent, "lunch", cause=Cause.SUPERVISOR, actor_name="chen.jing")
        leaving = asyncio.create_task(put(client, li_na, wanted="logged_out"))
        await waits_for_a_lock(database)
    assert (await leaving).status_code == 200
    forced, left = (await history_of(database))[-2:]
    assert (forced.cause, forced.actor_name, forced.wanted) == ("supervisor", "chen.jing", "paused")
    assert (left.cause, left.wanted_before, left.wanted) == ("agent", "paused", "logged_out")
