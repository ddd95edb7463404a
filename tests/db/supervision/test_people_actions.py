"""What supervisors do with agents and queues: who may, what changes, what is kept of it."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.agents.models import AgentMessage, Cause
from callcenter.asterisk.commands import QueueAdd, QueueRemove
from callcenter.calendar.public_days import Place
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.ivr.hours import RecentOpenings
from callcenter.ivr.queue_guide import DatabaseQueueGuide, QueueClosed, QueuePlan, Waiter
from callcenter.queues import queries
from callcenter.queues.models import QueueMembership
from callcenter.supervision.members import end_day_memberships
from callcenter.supervision.models import DayMembership
from tests.db.supervision.conftest import seated
from tests.support.people import PBX, asker, commands_of, history_of, state_of

API = "/api/v1/supervision"


async def lead(database: Database, *scope: str) -> dict[str, str]:
    return await asker(database, Role.SUPERVISOR, scope=scope)


async def actions(database: Database) -> list[tuple[str, str | None]]:
    async with database.transaction() as session:
        query = select(AuditEntry).where(AuditEntry.action.startswith("supervision.")).order_by(AuditEntry.id)
        return [(entry.action, entry.subject_id) for entry in await session.scalars(query)]


async def penalties(database: Database, queue: str) -> dict[str, int]:
    async with database.transaction() as session:
        members = await queries.list_members(session, queue)
        return {agent.number: membership.penalty for membership, agent in members}


# -- states


async def test_an_agent_is_paused_made_available_and_logged_out(client: httpx.AsyncClient, database: Database) -> None:
    await seated(database, "1001", "seat-rose")
    headers = await lead(database, "mine")
    for body in ({"wanted": "paused", "reason": "lunch"}, {"wanted": "available"}, {"wanted": "logged_out"}):
        answer = await client.put(f"{API}/agents/1001/state", headers=headers, json=body)
        assert (answer.status_code, answer.json()["wanted"]) == (200, body["wanted"])
    changes = (await history_of(database))[-3:]
    assert [(one.wanted, one.pause_reason, one.cause) for one in changes] == [
        ("paused", "lunch", Cause.SUPERVISOR),
        ("available", None, Cause.SUPERVISOR),
        ("logged_out", None, Cause.SUPERVISOR),
    ]
    assert await actions(database) == [("supervision.force_state", "1001")] * 3


async def test_states_that_cannot_be(client: httpx.AsyncClient, database: Database) -> None:
    async def code(body: dict[str, str], *scope: str) -> tuple[int, str]:
        answer = await client.put(f"{API}/agents/1001/state", headers=await lead(database, *scope), json=body)
        return answer.status_code, answer.json()["code"]

    assert await code({"wanted": "available"}) == (409, "agent-not-logged-in")
    assert await code({"wanted": "paused"}) == (422, "validation-failed")
    await seated(database, "1001", "seat-rose")
    assert await code({"wanted": "paused", "reason": "nothing"}) == (422, "unknown-pause-reason")
    assert await code({"wanted": "paused", "reason": "lunch"}, "theirs") == (403, "outside-queue-scope")
    assert (await state_of(database)).wanted == "available"
    assert await actions(database) == []


# -- queues of agents


async def test_into_a_queue_for_today_and_out_again(client: httpx.AsyncClient, database: Database) -> None:
    await seated(database, "1001", "seat-rose")
    headers = await lead(database, "theirs")
    answer = await client.put(f"{API}/agents/1001/queues/theirs", headers=headers, json={"member": True, "penalty": 3})
    assert answer.status_code == 204
    assert (await penalties(database, "theirs"))["1001"] == 3
    assert any(isinstance(one, QueueAdd) and one.queue == "theirs" for one in await commands_of(database))
    async with database.transaction() as session:
        assert await end_day_memberships(session, PBX, now()) == 0, "the day is not over"
    async with database.transaction() as session:
        assert await end_day_memberships(session, PBX, now() + timedelta(days=1)) == 1
    assert "1001" not in await penalties(database, "theirs")
    assert any(isinstance(one, QueueRemove) and one.queue == "theirs" for one in await commands_of(database))
    assert await actions(database) == [("supervision.sign_in", "theirs")]


async def test_out_of_a_queue_for_today(client: httpx.AsyncClient, database: Database) -> None:
    headers = await lead(database)
    await client.put(f"{API}/agents/1001/queues/mine", headers=headers, json={"member": False})
    assert "1001" not in await penalties(database, "mine")
    async with database.transaction() as session:
        await end_day_memberships(session, PBX, now() + timedelta(days=1))
    assert (await penalties(database, "mine"))["1001"] == 0


async def test_what_is_changed_meanwhile_stays(client: httpx.AsyncClient, database: Database) -> None:
    """Also changed for the day twice, it is at midnight as it was in the morning."""
    headers = await lead(database)
    for penalty in (5, 7):
        body = {"member": True, "penalty": penalty}
        await client.put(f"{API}/agents/1001/queues/mine", headers=headers, json=body)
    async with database.transaction() as session:
        (kept,) = await session.scalars(select(DayMembership))
        assert (kept.penalty_before, kept.penalty) == (0, 7)
        membership = await session.get_one(QueueMembership, ("mine", kept.agent_id))
        membership.penalty = 9
    async with database.transaction() as session:
        await end_day_memberships(session, PBX, now() + timedelta(days=1))
    assert (await penalties(database, "mine"))["1001"] == 9


async def test_for_good_ends_what_was_for_today(client: httpx.AsyncClient, database: Database) -> None:
    headers = await lead(database)
    await client.put(f"{API}/agents/1001/queues/theirs", headers=headers, json={"member": True})
    body = {"member": True, "penalty": 2, "until": "always"}
    await client.put(f"{API}/agents/1001/queues/theirs", headers=headers, json=body)
    async with database.transaction() as session:
        assert await end_day_memberships(session, PBX, now() + timedelta(days=1)) == 0
    assert (await penalties(database, "theirs"))["1001"] == 2


async def test_queues_of_others(client: httpx.AsyncClient, database: Database) -> None:
    headers = await lead(database, "mine")
    for path, body in (
        ("agents/1001/queues/theirs", {"member": True}),
        ("queues/theirs/opening", {"open": False}),
    ):
        answer = await client.put(f"{API}/{path}", headers=headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "outside-queue-scope")
    assert await actions(database) == []


# -- messages


@pytest.mark.parametrize(
    ("scope", "body", "recipients"),
    [
        ((), {"agent": "1001"}, ["1001"]),
        ((), {"queue": "mine"}, ["1001", "1003"]),
        ((), {}, ["1001", "1003", "1004"]),
        (("theirs",), {}, ["1003", "1004"]),
    ],
)
async def test_a_message(
    client: httpx.AsyncClient, database: Database, scope: tuple[str, ...], body: dict[str, str], recipients: list[str]
) -> None:
    """To whom it is meant for and who is logged in; a long number in it is masked."""
    for number, seat in (("1001", "seat-rose"), ("1003", "seat-maple"), ("1004", "seat-iris")):
        await seated(database, number, seat)
    text = {"text": "请回电 13800000001"}
    answer = await client.post(f"{API}/messages", headers=await lead(database, *scope), json=body | text)
    assert (answer.status_code, answer.json()) == (200, {"recipients": len(recipients)})
    async with database.transaction() as session:
        query = select(AgentMessage).where(AgentMessage.type == "message")
        sent = {message.agent_id: message.after for message in await session.scalars(query)}
        told = [(await state_of(database, number)).id for number in recipients]
    assert sorted(sent, key=str) == sorted(told, key=str)
    assert {after["text"] for after in sent.values() if after} == {"请回电 138****"}
    assert [action for action, _ in await actions(database)] == ["supervision.message"]


@pytest.mark.parametrize("body", [{"agent": "1001"}, {"queue": "mine"}])
async def test_no_message_to_others(client: httpx.AsyncClient, database: Database, body: dict[str, str]) -> None:
    answer = await client.post(f"{API}/messages", headers=await lead(database, "theirs"), json=body | {"text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "outside-queue-scope")


# -- open and closed


async def test_a_queue_is_closed_to_the_next_caller_and_opened_again(
    client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    headers = await lead(database, "mine")
    place = Place.of(Settings(state_dir=tmp_path))

    async def plan() -> QueuePlan | QueueClosed | None:
        guide = DatabaseQueueGuide(database, RecentOpenings(database, place))
        return await guide.plan("mine", Waiter(None, None))

    assert isinstance(await plan(), QueuePlan)
    answer = await client.put(f"{API}/queues/mine/opening", headers=headers, json={"open": False})
    assert answer.status_code == 200
    assert answer.json()["closed_by"].startswith("user-")
    assert isinstance(await plan(), QueueClosed)
    board = (await client.get(f"{API}/board", headers=headers)).json()
    assert board["queues"][0]["opening"] == "closed_by_supervisor"
    answer = await client.put(f"{API}/queues/mine/opening", headers=headers, json={"open": True})
    assert answer.json() == {"queue": "mine", "closed_at": None, "closed_by": None}
    assert isinstance(await plan(), QueuePlan)
    assert await actions(database) == [("supervision.close_queue", "mine"), ("supervision.open_queue", "mine")]
