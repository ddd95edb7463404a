"""HTTP of queues, members, waiting callers and numbers; and whose queues a supervisor may see."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.asterisk.commands import QueueAdd, QueueRemove, Render
from callcenter.asterisk.render import RESERVED_QUEUES
from callcenter.calendar.models import Schedule
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.queues import queries
from callcenter.queues import service as queues
from callcenter.queues.errors import OverflowCycle, QueueInUse, QueueNotFound
from tests.support.api import as_role, declared_roles, given_token
from tests.support.locks import waits_for_a_lock
from tests.support.people import BY_AGENT, PBX, commands_of, given_agent, given_queue, given_seats

BODY = {"label_zh": "贵宾", "label_en": "VIP"}
DID: dict[str, object] = {"label_zh": "热线", "label_en": "Hotline", "fallback_queue": "vip"}
HOSTILE = ["own-1001", "vip--not-1001", "a|b", "a%0D%0AAction", "a&b", "a%20b", "$%7BEXTEN%7D", "A", "x" * 41, "1001"]
Headers = dict[str, str]


@pytest.fixture
async def admin(database: Database) -> Headers:
    async with database.transaction() as session:
        await given_queue(session, "vip")
        await given_queue(session, "consultation")
        await given_seats(session, "seat-rose")
        await given_agent(session)
    return await as_role(database, Role.ADMIN)


async def supervisor_of(database: Database, *scope: str) -> Headers:
    return {"Authorization": f"Bearer {await given_token(database, Role.SUPERVISOR, queue_scope=scope)}"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    lead = ["admin", "supervisor"]
    assert await declared_roles(client, "queues_") == {
        "queues_list_queues": ["admin", "agent", "expert", "quality", "supervisor"],
        "queues_put_queue": ["admin"],
        "queues_list_waiting": lead,
        "queues_list_members": lead,
        "queues_put_member": lead,
        "queues_remove_member": lead,
        "queues_list_dids": lead,
        "queues_put_did": ["admin"],
    }


# -- queues


async def test_a_queue_is_made_changed_and_rendered(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    made = await client.put("/api/v1/queues/complaint", json=BODY, headers=admin)
    assert made.status_code == 200
    changed = await client.put("/api/v1/queues/complaint", json=BODY | {"wrap_up_seconds": 60}, headers=admin)
    assert changed.json() == made.json() | {"wrap_up_seconds": 60}
    listed = (await client.get("/api/v1/queues", headers=await as_role(database, Role.QUALITY))).json()
    assert [queue["name"] for queue in listed] == ["complaint", "consultation", "vip"]
    assert listed[0] == changed.json()
    assert await commands_of(database) == [Render(), Render()]
    async with database.transaction() as session:
        audited = (await session.scalars(select(AuditEntry.action))).all()
        configuration = await queues.get_pbx_configuration(session)
    assert audited == ["queues.put", "queues.put"]
    assert {queue.name: queue.wrap_up_seconds for queue in configuration.queues}["complaint"] == 60
    configuration.check()


async def test_a_queue_overflows_into_another_and_never_in_a_circle(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    async def put(name: str, target: str | None) -> httpx.Response:
        return await client.put(f"/api/v1/queues/{name}", json=BODY | {"overflow_to": target}, headers=admin)

    assert (await put("vip", "consultation")).json()["overflow_to"] == "consultation"
    assert (await put("third", "vip")).status_code == 200
    circle = await put("consultation", "third")
    assert refusal(circle) == (409, "overflow-cycle")
    assert circle.json()["details"]["way"] == ["consultation", "third", "vip", "consultation"]
    assert refusal(await put("vip", "vip")) == (409, "overflow-cycle")
    assert refusal(await put("vip", "nowhere")) == (404, "queue-not-found")
    assert (await put("vip", None)).json()["overflow_to"] is None
    assert (await put("consultation", "third")).status_code == 200


async def test_two_halves_of_a_circle_at_the_same_moment(database: Database, admin: Headers) -> None:
    async def put(name: str, target: str) -> None:
        async with database.transaction() as session:
            await queues.put_queue(session, name, {"overflow_to": target}, pbx=PBX, cause="test")

    async with database.transaction() as session:
        await queues.put_queue(session, "vip", {"overflow_to": "consultation"}, pbx=PBX, cause="test")
        second = asyncio.create_task(put("consultation", "vip"))
        await waits_for_a_lock(database)
    with pytest.raises(OverflowCycle):
        await second


async def test_a_queue_has_hours_of_a_schedule_that_is_there(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    async with database.transaction() as session:
        session.add(Schedule(name="day", label_zh="白天", label_en="Day", makeup_weekday=1))
    there = await client.put("/api/v1/queues/vip", json=BODY | {"schedule_name": "day"}, headers=admin)
    assert there.json()["schedule_name"] == "day"
    missing = await client.put("/api/v1/queues/vip", json=BODY | {"schedule_name": "night"}, headers=admin)
    assert refusal(missing) == (422, "unknown-schedule")


@pytest.mark.parametrize("name", [*HOSTILE, *sorted(RESERVED_QUEUES)])
async def test_queues_that_could_break_the_pbx_are_refused(
    client: httpx.AsyncClient, database: Database, admin: Headers, name: str
) -> None:
    """One called ``general`` would have changed what holds for all queues."""
    answer = await client.put(f"/api/v1/queues/{name}", json=BODY, headers=admin)
    assert refusal(answer) == (422, "validation-failed")
    assert await commands_of(database) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "best"},
        {"strategy": "ringall\n"},
        {"ring_seconds": 0},
        {"ring_seconds": "15; x"},
        {"wrap_up_seconds": -1},
        {"announce_every_seconds": 1},
        {"label_zh": ""},
        {"weight": 5},
        {"exit_keys": "11"},
        {"exit_keys": "1*"},
        {"exit_keys": "12345678901"},
        {"comfort_prompts": []},
        {"comfort_prompts": ["a,b"]},
        {"comfort_prompts": ["../x"]},
        {"comfort_every_seconds": -1},
        {"last_agent_seconds": 0},
        {"overflow_to": "own-1001"},
    ],
)
async def test_values_that_no_queue_has_are_refused(
    client: httpx.AsyncClient, database: Database, admin: Headers, wrong: dict[str, Any]
) -> None:
    answer = await client.put("/api/v1/queues/vip", json=BODY | wrong, headers=admin)
    assert refusal(answer) == (422, "validation-failed")
    assert await commands_of(database) == []


async def test_a_queue_with_a_number_cannot_be_switched_off(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    await client.put("/api/v1/dids/8000", json=DID, headers=admin)
    off = BODY | {"active": False}
    assert refusal(await client.put("/api/v1/queues/vip", json=off, headers=admin)) == (409, "queue-in-use")
    assert (await client.get("/api/v1/queues", headers=admin)).json()[1]["active"] is True
    assert await commands_of(database) == [Render()]
    assert (await client.put("/api/v1/queues/consultation", json=off, headers=admin)).status_code == 200
    async with database.transaction() as session:
        assert [queue.name for queue in (await queues.get_pbx_configuration(session)).queues] == ["vip"]


async def test_a_number_and_a_switch_off_at_once_never_leave_callers_without_a_queue(
    database: Database, admin: Headers
) -> None:
    """Both orders, each in two real transactions; otherwise every later rendering would be refused."""

    async def switch_off(name: str) -> None:
        async with database.transaction() as session:
            await queues.put_queue(session, name, {"active": False}, pbx=PBX, cause="boss")

    async def lead_to(name: str) -> None:
        async with database.transaction() as session:
            await queues.put_did(session, "8000", DID | {"fallback_queue": name}, pbx=PBX, cause="boss")

    async with database.transaction() as session:
        await queues.put_queue(session, "vip", {"active": False}, pbx=PBX, cause="boss")
        late_number = asyncio.create_task(lead_to("vip"))
        await waits_for_a_lock(database)
    with pytest.raises(QueueNotFound):
        await late_number
    async with database.transaction() as session:
        await queues.put_did(session, "8000", DID | {"fallback_queue": "consultation"}, pbx=PBX, cause="boss")
        late_switch = asyncio.create_task(switch_off("consultation"))
        await waits_for_a_lock(database)
    with pytest.raises(QueueInUse):
        await late_switch
    async with database.transaction() as session:
        (await queues.get_pbx_configuration(session)).check()


# -- numbers


async def test_numbers_lead_to_queues(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    put = await client.put("/api/v1/dids/8000", json=DID | {"language": "en"}, headers=admin)
    assert put.status_code == 200
    await client.put("/api/v1/dids/8000", json=DID, headers=admin)
    listed = await client.get("/api/v1/dids", headers=await supervisor_of(database))
    assert listed.json() == [put.json() | {"language": "zh"}]
    assert await commands_of(database) == [Render(), Render()]


@pytest.mark.parametrize(
    ("number", "wrong", "expected"),
    [
        ("8000", {"fallback_queue": "nowhere"}, (404, "queue-not-found")),
        ("8000", {"fallback_queue": "general"}, (422, "validation-failed")),
        ("8000", {"language": "fr"}, (422, "validation-failed")),
        ("8", {}, (422, "validation-failed")),
        ("+86571", {}, (422, "validation-failed")),
        ("_X.", {}, (422, "validation-failed")),
        ("8000%0A", {}, (422, "validation-failed")),
        ("9" * 21, {}, (422, "validation-failed")),
    ],
)
async def test_numbers_that_lead_nowhere_are_refused(
    client: httpx.AsyncClient, admin: Headers, number: str, wrong: dict[str, str], expected: tuple[int, str]
) -> None:
    assert refusal(await client.put(f"/api/v1/dids/{number}", json=DID | wrong, headers=admin)) == expected
    assert (await client.get("/api/v1/dids", headers=admin)).json() == []


# -- members


async def test_members_come_and_go(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.log_in(session, agent, "seat-rose", pbx=PBX, **BY_AGENT)
    member = "/api/v1/queues/vip/members/1001"
    assert (await client.put(member, json={"penalty": 2}, headers=admin)).status_code == 204
    assert (await client.get("/api/v1/queues/vip/members", headers=admin)).json() == [
        {"agent_number": "1001", "display_name": "坐席1001", "penalty": 2}
    ]
    assert (await client.delete(member, headers=admin)).status_code == 204
    assert (await client.delete(member, headers=admin)).status_code == 204
    assert (await client.get("/api/v1/queues/vip/members", headers=admin)).json() == []
    assert await commands_of(database) == [
        QueueRemove(queue="vip", seat="seat-rose"),
        QueueAdd(queue="vip", seat="seat-rose", member_name="agent-1001", penalty=2, paused=True),
        QueueRemove(queue="vip", seat="seat-rose"),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("vip/members/9999", (404, "agent-not-found")),
        ("nowhere/members/1001", (404, "queue-not-found")),
        ("vip/members/x", (422, "validation-failed")),
        ("general/members/1001", (422, "validation-failed")),
    ],
)
async def test_members_that_cannot_be(
    client: httpx.AsyncClient, admin: Headers, path: str, expected: tuple[int, str]
) -> None:
    assert refusal(await client.put(f"/api/v1/queues/{path}", json={}, headers=admin)) == expected


# -- who waits, and whose queues a supervisor sees


async def test_waiting_callers_in_order_and_masked(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    async with database.transaction() as session:
        for uniqueid, priority, number in [("pbx1-1.1", 1, "13800000001"), ("pbx1-1.2", 2, None)]:
            caller = {
                "uniqueid": uniqueid,
                "queue_name": "vip",
                "pbx": PBX,
                "caller_number": number,
                "priority": priority,
                "joined_at": now(),
            }
            await queries.put_waiting(session, [caller])
    listed = (await client.get("/api/v1/queues/vip/waiting", headers=admin)).json()
    assert [(caller["uniqueid"], caller["caller_number"], caller["position"]) for caller in listed] == [
        ("pbx1-1.2", None, 1),
        ("pbx1-1.1", "138****", 2),
    ]
    missing = await client.get("/api/v1/queues/nowhere/waiting", headers=admin)
    assert refusal(missing) == (404, "queue-not-found")


async def test_a_supervisor_sees_and_steers_their_queues_only(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    scoped, unscoped = await supervisor_of(database, "vip"), await supervisor_of(database)
    for headers, queue, status in [(scoped, "vip", 2), (scoped, "consultation", 4), (unscoped, "consultation", 2)]:
        base = f"/api/v1/queues/{queue}"
        answers = [
            await client.get(f"{base}/waiting", headers=headers),
            await client.get(f"{base}/members", headers=headers),
            await client.put(f"{base}/members/1001", json={}, headers=headers),
            await client.delete(f"{base}/members/1001", headers=headers),
        ]
        assert [answer.status_code // 100 for answer in answers] == [status] * 4
        if status == 4:
            assert {refusal(answer) for answer in answers} == {(403, "forbidden")}
    hidden = await client.get("/api/v1/queues/nowhere/waiting", headers=scoped)
    assert refusal(hidden) == (403, "forbidden"), "nor which other queues there are"
