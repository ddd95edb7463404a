"""HTTP of agents, seats and pause reasons."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts.models import Role, User
from callcenter.agents import service as agents
from callcenter.agents.models import Seat
from callcenter.asterisk.commands import Render
from callcenter.asterisk.render import RESERVED_SEATS
from callcenter.core.audit import AuditEntry
from callcenter.core.cursors import encode_cursor
from callcenter.core.db import Database
from tests.support.api import as_role, declared_roles
from tests.support.people import BY_AGENT, PIN, commands_of, given_agent, given_reason, given_seats

HOSTILE = ["a|b", "lunch\r\nAction: Originate", "a&b", "a b", "${EXTEN}", "A", "号", "x" * 41, "1001"]
Headers = dict[str, str]


@pytest.fixture
async def admin(database: Database) -> Headers:
    return await as_role(database, Role.ADMIN)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    staff = ["admin", "agent", "expert", "supervisor"]
    assert await declared_roles(client, "agents_") == {
        "agents_list_agents": ["admin", "supervisor"],
        "agents_create_agent": ["admin"],
        "agents_get_agent": ["admin", "supervisor"],
        "agents_list_changes": ["admin", "supervisor"],
        "agents_list_seats": staff,
        "agents_list_skills": staff,
        "agents_put_skill": ["admin"],
        "agents_get_skills": ["admin", "supervisor"],
        "agents_put_skills": ["admin", "supervisor"],
        "agents_create_seat": ["admin"],
        "agents_list_pause_reasons": ["admin", "agent", "expert", "quality", "supervisor"],
        "agents_put_pause_reason": ["admin"],
    }


# -- agents


async def test_an_agent_is_made_and_found(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    await as_role(database, Role.AGENT)
    async with database.transaction() as session:
        await session.execute(update(User).where(User.roles.contains(["agent"])).values(username="li.na"))
    body = {"number": "1001", "display_name": " 李娜 ", "username": "li.na", "pin": PIN}
    made = await client.post("/api/v1/agents", json=body, headers=admin)
    assert made.status_code == 201
    assert (
        made.json() | {"wanted": "logged_out", "activity": "idle", "display_name": "李娜", "sequence": 0} == made.json()
    )
    assert PIN not in made.text
    assert (await client.get("/api/v1/agents/1001", headers=admin)).json() == made.json()
    assert (await client.get("/api/v1/agents", headers=admin)).json() == [made.json()]
    async with database.transaction() as session:
        assert (await agents.get_agent(session, "1001")).user_id is not None
        audited = (await session.scalars(select(AuditEntry))).one()
    assert (audited.action, audited.subject_id) == ("agents.create", "1001")
    assert PIN not in str(audited.details)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"number": "1001", "display_name": "乙"}, (409, "agent-exists")),
        ({"number": "1002", "display_name": "乙", "username": "nobody"}, (404, "user-not-found")),
        ({"number": "1", "display_name": "乙"}, (422, "validation-failed")),
        ({"number": "1001|2", "display_name": "乙"}, (422, "validation-failed")),
        ({"number": "１００１", "display_name": "乙"}, (422, "validation-failed")),
        ({"number": "1002", "display_name": " "}, (422, "validation-failed")),
        ({"number": "1002", "display_name": "乙", "pin": "123"}, (422, "validation-failed")),
        ({"number": "1002", "display_name": "乙", "pin": "12ab"}, (422, "validation-failed")),
        ({"number": "1002", "display_name": "乙", "wanted": "available"}, (422, "validation-failed")),
    ],
)
async def test_an_agent_that_cannot_be_is_refused(
    client: httpx.AsyncClient, database: Database, admin: Headers, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    async with database.transaction() as session:
        await given_agent(session)
    assert refusal(await client.post("/api/v1/agents", json=body, headers=admin)) == expected
    assert [agent["number"] for agent in (await client.get("/api/v1/agents", headers=admin)).json()] == ["1001"]


async def test_one_log_in_is_one_agent(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    async with database.transaction() as session:
        user = (await session.scalars(select(User))).one()
        await given_agent(session, user_id=user.id)
    body = {"number": "1002", "display_name": "乙", "username": user.username}
    assert refusal(await client.post("/api/v1/agents", json=body, headers=admin)) == (409, "conflict")


async def test_an_agent_that_does_not_exist(client: httpx.AsyncClient, admin: Headers) -> None:
    for path in ("/api/v1/agents/9999", "/api/v1/agents/9999/changes"):
        assert refusal(await client.get(path, headers=admin)) == (404, "agent-not-found")
    assert refusal(await client.get("/api/v1/agents/boss", headers=admin)) == (422, "validation-failed")


# -- state changes


async def test_changes_are_paged_newest_first(client: httpx.AsyncClient, database: Database) -> None:
    boss = await as_role(database, Role.SUPERVISOR)
    async with database.transaction() as session:
        await given_seats(session, "seat-rose")
        await given_reason(session, "lunch")
        agent = await given_agent(session)
        await agents.log_in(session, agent, "seat-rose", **BY_AGENT)
        for _ in range(3):
            await agents.set_available(session, agent, **BY_AGENT)
            await agents.pause(session, agent, "lunch", **BY_AGENT)
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/agents/1001/changes", params=query, headers=boss)).json()
        seen += [change["sequence"] for change in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [8, 7, 6, 5, 4, 3, 1]  # 2: the seat's telephone


@pytest.mark.parametrize("key", [["x"], [None], ["7"], [2**63]])
async def test_a_cursor_of_another_list_is_refused(
    client: httpx.AsyncClient, database: Database, admin: Headers, key: list[Any]
) -> None:
    async with database.transaction() as session:
        await given_agent(session)
    query = {"cursor": encode_cursor(key)}
    answer = await client.get("/api/v1/agents/1001/changes", params=query, headers=admin)
    assert refusal(answer) == (422, "invalid-cursor")


# -- seats


async def test_a_seat_is_made_and_asterisk_told(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    made = await client.post("/api/v1/seats", json={"name": "seat-rose", "label": "靠窗"}, headers=admin)
    assert made.status_code == 201
    password = made.json()["sip_password"]
    async with database.transaction() as session:
        assert (await session.get_one(Seat, "seat-rose")).sip_password == password
    assert len(password) >= 32
    assert await commands_of(database) == [Render()]
    listed = await client.get("/api/v1/seats", headers=await as_role(database, Role.AGENT))
    assert listed.json() == [
        {"name": "seat-rose", "label": "靠窗", "kind": "phone", "registered": False, "registered_at": None}
    ]
    again = await client.post("/api/v1/seats", json={"name": "seat-rose", "label": "又"}, headers=admin)
    assert refusal(again) == (409, "seat-exists")
    assert await commands_of(database) == [Render()]


@pytest.mark.parametrize("name", [*HOSTILE, "ab", *sorted(RESERVED_SEATS)])
async def test_seats_that_could_break_the_pbx_are_refused(
    client: httpx.AsyncClient, database: Database, admin: Headers, name: str
) -> None:
    """A reserved name would have changed the trunk, or stopped every later rendering."""
    answer = await client.post("/api/v1/seats", json={"name": name, "label": "x"}, headers=admin)
    assert refusal(answer) == (422, "validation-failed")
    assert await commands_of(database) == []


# -- pause reasons


async def test_pause_reasons_are_data(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    body = {"label_zh": "午餐", "label_en": "Lunch", "digit": "1", "active": True}
    put = await client.put("/api/v1/pause-reasons/lunch", json=body, headers=admin)
    assert (put.status_code, put.json()) == (200, {"code": "lunch", "by_system": False, **body})
    changed = body | {"label_en": "Noon", "active": False}
    assert (await client.put("/api/v1/pause-reasons/lunch", json=changed, headers=admin)).status_code == 200
    listed = await client.get("/api/v1/pause-reasons", headers=await as_role(database, Role.EXPERT))
    assert listed.json() == [{"code": "lunch", "by_system": False, **changed}]
    same_digit = await client.put("/api/v1/pause-reasons/dinner", json=body, headers=admin)
    assert refusal(same_digit) == (409, "conflict")


@pytest.mark.parametrize("code", HOSTILE)
async def test_reasons_with_a_meaning_of_their_own_are_refused(
    client: httpx.AsyncClient, admin: Headers, code: str
) -> None:
    """The code travels to Asterisk and into queue_log."""
    path = httpx.URL("http://callcenter.test").copy_with(raw_path=b"/api/v1/pause-reasons/" + quoted(code))
    answer = await client.put(path, json={"label_zh": "x", "label_en": "x"}, headers=admin)
    assert refusal(answer) == (422, "validation-failed")


def quoted(text: str) -> bytes:
    return "".join(f"%{byte:02X}" for byte in text.encode()).encode()


# -- skills


async def test_skills_are_data(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    async with database.transaction() as session:
        await given_agent(session)
    for code, label in (("cantonese", "粤语"), ("paediatrics", "儿科")):
        put = await client.put(f"/api/v1/skills/{code}", json={"label_zh": label, "label_en": code}, headers=admin)
        assert put.json() == {"code": code, "label_zh": label, "label_en": code}
    boss = await as_role(database, Role.SUPERVISOR)
    assert [one["code"] for one in (await client.get("/api/v1/skills", headers=boss)).json()] == [
        "cantonese",
        "paediatrics",
    ]
    for levels in ({"cantonese": 4, "paediatrics": 1}, {"cantonese": 5}, {}):
        put = await client.put("/api/v1/agents/1001/skills", json={"levels": levels}, headers=boss)
        assert (put.status_code, put.json()) == (200, {"levels": levels})
        assert (await client.get("/api/v1/agents/1001/skills", headers=boss)).json() == {"levels": levels}
    for wrong, expected in (
        ({"levels": {"klingon": 3}}, (404, "skill-not-found")),
        ({"levels": {"cantonese": 6}}, (422, "validation-failed")),
        ({"levels": {"cantonese": 0}}, (422, "validation-failed")),
    ):
        refused = await client.put("/api/v1/agents/1001/skills", json=wrong, headers=boss)
        assert refusal(refused) == expected
