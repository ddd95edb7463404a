"""The desk's socket: what happens to an agent reaches the page, once, in order, after a drop too; and nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update
from websockets.exceptions import InvalidStatus

from callcenter.accounts import service as accounts
from callcenter.accounts.models import LoginSession, Role, User
from callcenter.agents import messages
from callcenter.agents import service as agents
from callcenter.agents.models import Cause
from callcenter.core.audit import SYSTEM
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.desk import socket as socket_module
from callcenter.desk.frames import CloseCode
from callcenter.queues import service as queues
from callcenter.queues.models import WaitingCaller
from tests.support.api import as_api_key
from tests.support.desk_client import desk, new_ticket, opened
from tests.support.live_api import live_api
from tests.support.people import PBX, asker, given_queue, given_reason, given_seats
from tests.support.polling import becomes


@pytest.fixture
async def address(database: Database, tmp_path: Path) -> AsyncIterator[str]:
    async with database.transaction() as session:
        await given_seats(session, "seat-rose", "seat-lotus")
        await given_reason(session, "lunch", digit="1")
        await given_queue(session, "consultation")
        await given_queue(session, "vip")
    async with live_api(database, tmp_path, allowed_origins=("https://crm.example",)) as address:
        yield address


@pytest.fixture
async def headers(address: str, database: Database) -> dict[str, str]:
    return await asker(database, Role.AGENT, agent="1001", queues=("consultation",))


async def tell(database: Database, *words: str, number: str = "1001") -> None:
    """Messages in a transaction of their own."""
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number)
        for word in words:
            await messages.publish(session, agent, "message", before=None, after={"text": word})


def words(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["after"]["text"] for frame in frames if frame["type"] == "message"]


async def test_hello_tells_the_present_and_then_each_change_as_it_happens(
    address: str, headers: dict[str, str], database: Database
) -> None:
    async with desk(address, headers) as page, httpx.AsyncClient(base_url=address, headers=headers) as http:
        hello = page.frames[0]
        present = hello["after"]
        assert (hello["version"], hello["sequence"], hello["before"]) == (1, None, None)
        assert present["agent"] == {"number": "1001", "display_name": "坐席1001"}
        assert (present["state"]["wanted"], present["telephone"], present["resumed"]) == ("logged_out", None, False)
        await http.put("/api/v1/agents/me/state", json={"wanted": "paused", "seat": "seat-rose", "reason": "lunch"})
        seated, telephone, paused = [await page.expect(one) for one in ("state", "telephone", "state")]
        assert telephone["after"] == {"seat": "seat-rose", "registered": True}
        assert (seated["before"]["seat"], seated["after"]["seat"]) == (None, "seat-rose")
        assert (paused["before"]["pause_reason"], paused["after"]["pause_reason"]) == (None, "lunch")
        assert paused["after"]["cause"] == "agent"
        assert [seated["sequence"], paused["sequence"]] == [present["sequence"] + 1, present["sequence"] + 3]
        async with database.transaction() as session:  # a supervisor's hand
            agent = await agents.get_agent(session, "1001", lock=True)
            await queues.log_out(session, agent, pbx=PBX, cause=Cause.SUPERVISOR, actor_name="chen.jing")
        forced = await page.expect("state", wanted="logged_out")
        assert (forced["after"]["cause"], forced["after"]["actor"]) == ("supervisor", "chen.jing")
    async with desk(address, headers) as page:
        assert page.frames[0]["after"]["state"]["wanted"] == "logged_out"


async def test_a_page_that_comes_back_gets_what_it_missed_and_nothing_twice(
    address: str, headers: dict[str, str], database: Database
) -> None:
    """Told while it was there, while it was away, and while it comes back; more than fits in at once."""
    async with desk(address, headers) as page:
        await tell(database, "one", "two")
        await page.expect("message", text="two")
        seen = page.last
    missed = [f"missed-{number}" for number in range(250)]
    await tell(database, *missed)
    late = asyncio.create_task(tell(database, "late"))
    async with desk(address, headers, after=seen) as page:
        assert page.frames[0]["after"]["resumed"]
        await page.expect("message", text="late")
        await late
        assert words(page.frames) == [*missed, "late"]
        assert "superseded" not in {frame["type"] for frame in page.frames}  # by itself, it would be
    async with desk(address, headers) as page:  # without a number: only what comes
        await tell(database, "new")
        await page.expect("message", text="new")
        assert words(page.frames) == ["new"]


async def test_who_was_away_too_long_is_told_so(address: str, headers: dict[str, str], database: Database) -> None:
    await tell(database, "old", "young")
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM agent_messages WHERE after->>'text' = 'old'"))
    for after, resumed in ((0, False), (1, True), (2, True), (4711, False)):
        async with desk(address, headers, after=after) as page:
            assert page.frames[0]["after"]["resumed"] is resumed, after
            await tell(database, "new")
            await page.expect("message", text="new")
            assert ("young" in words(page.frames)) == (after == 1)


async def test_the_later_page_wins_and_the_earlier_is_told(
    address: str, headers: dict[str, str], database: Database
) -> None:
    async with desk(address, headers) as first:
        await tell(database, "before")
        await first.expect("message", text="before")
        async with desk(address, headers) as second:
            told = await first.expect("superseded")
            assert told["after"] == {"source": "127.0.0.1"}
            assert await first.closed() == CloseCode.SUPERSEDED
            await tell(database, "after")
            await second.expect("message", text="after")
        assert words(first.frames) == ["before"]


async def test_each_agent_is_told_their_own(address: str, headers: dict[str, str], database: Database) -> None:
    other = await asker(database, Role.EXPERT, agent="1002")
    async with desk(address, headers) as page, desk(address, other) as others:
        await tell(database, "for-1002", number="1002")
        await tell(database, "for-1001")
        await page.expect("message", text="for-1001")
        await others.expect("message", text="for-1002")
        assert (words(page.frames), words(others.frames)) == (["for-1001"], ["for-1002"])


async def test_what_a_dead_listener_missed_is_read_again(
    address: str, headers: dict[str, str], database: Database
) -> None:
    async with desk(address, headers) as page:
        async with database.transaction() as session:
            await session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'callcenter-bus'")
            )
        await tell(database, "in the gap")
        await page.expect("message", text="in the gap")


# -- own queues


async def test_own_queues_now(address: str, headers: dict[str, str], database: Database) -> None:
    since = now() - timedelta(seconds=40)
    async with desk(address, headers) as page:
        assert rows(await page.expect("queues")) == [("consultation", 0, None)]
        async with database.transaction() as session:
            for number, queue in enumerate(("consultation", "consultation", "vip")):
                caller = WaitingCaller(uniqueid=f"{PBX}-1.{number}", queue_name=queue, pbx=PBX, priority=0)
                caller.joined_at = since + timedelta(seconds=number)
                session.add(caller)
            await announce(session, queues.TOPIC, ["consultation", "vip"])
        assert rows(await page.expect("queues")) == [("consultation", 2, since)]
        async with database.transaction() as session:
            agent = await agents.get_agent(session, "1001", lock=True)
            await queues.set_membership(session, agent, "vip", 0, pbx=PBX, cause="test")
        frame = await page.expect("queues")
        assert rows(frame) == [("consultation", 2, since), ("vip", 1, since + timedelta(seconds=2))]
        assert frame["sequence"] is None


def rows(frame: dict[str, Any]) -> list[tuple[str, int, object]]:
    return [
        (row["queue"], row["waiting"], datetime.fromisoformat(row["waiting_since"]) if row["waiting_since"] else None)
        for row in frame["after"]["queues"]
    ]


# -- who may


async def test_only_pages_of_this_host_or_of_those_named_come_in(address: str, headers: dict[str, str]) -> None:
    for origin in (None, address, "https://crm.example", address.replace("http", "https")):
        async with desk(address, headers, origin=origin) as page:
            assert page.frames[0]["type"] == "hello"
    for origin in ("https://evil.example", f"{address}.evil.example", "null", "https://crm.example:8443"):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(address, "{}", origin=origin):
                pass
        assert refused.value.response.status_code == 403, origin


async def test_a_ticket_is_good_once_and_for_a_moment(
    address: str, headers: dict[str, str], database: Database
) -> None:
    async def code_for(ticket: str) -> int:
        async with opened(address, orjson.dumps({"version": 1, "ticket": ticket}).decode()) as page:
            return await page.closed()

    used, old, orphaned = [await new_ticket(address, headers) for _ in range(3)]
    async with opened(address, orjson.dumps({"version": 1, "ticket": used, "after": None}).decode()) as page:
        await page.expect("hello")
    assert await code_for(used) == CloseCode.LOGIN_ENDED
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE desk_tickets SET expires_at = now() WHERE digest = sha256(CAST(:ticket AS bytea))"),
            {"ticket": old.encode()},
        )
    assert await code_for(old) == CloseCode.LOGIN_ENDED
    async with httpx.AsyncClient(base_url=address, headers=headers) as http:
        await http.post("/api/v1/auth/logout")
    assert await code_for(orphaned) == CloseCode.LOGIN_ENDED
    assert await code_for("made-up") == CloseCode.LOGIN_ENDED


@pytest.mark.parametrize(
    "first_frame",
    [
        "no json",
        "{}",
        '{"version": 2, "ticket": "x"}',
        '{"version": 1, "ticket": "x", "after": -1}',
        '{"version": 1, "ticket": "x", "after": 99999999999999999999}',
        '{"version": 1, "ticket": "x", "token": "y"}',
        b"\x00\xff",
    ],
)
async def test_another_first_frame_is_refused(address: str, first_frame: str | bytes) -> None:
    async with opened(address, first_frame) as page:
        assert await page.closed() == CloseCode.BAD_FRAME


async def test_after_the_first_frame_only_the_service_speaks(address: str, headers: dict[str, str]) -> None:
    async with desk(address, headers) as page:
        await page.socket.send("{}")
        assert await page.closed() == CloseCode.BAD_FRAME


async def test_a_socket_ends_with_its_log_in(address: str, database: Database) -> None:
    """Logged out, expired, another password, account closed: cut off. Another log-in of the same person is not."""
    ends = {
        "1001": update(LoginSession).values(revoked_at=now()),
        "1002": update(LoginSession).values(expires_at=now()),
        "1003": update(User).values(active=False),
        "1004": update(User).values(roles=[Role.DEPARTMENT]),
        "1005": None,
    }
    people = {number: await asker(database, Role.AGENT, agent=number) for number in ends}
    codes = {}
    async with AsyncExitStack() as stack:
        pages = {number: await stack.enter_async_context(desk(address, people[number])) for number in ends}
        async with database.transaction() as session:
            for number, end in ends.items():
                user_id = (await agents.get_agent(session, number)).user_id
                if end is not None:
                    table = end.entity_description["entity"]
                    await session.execute(end.where((table.id if table is User else table.user_id) == user_id))
        for number in ("1001", "1002", "1003", "1004"):
            codes[number] = await pages[number].closed()
        await tell(database, "still here", number="1005")
        await pages["1005"].expect("message", text="still here")
    ended = CloseCode.LOGIN_ENDED
    assert codes == {"1001": ended, "1002": ended, "1003": ended, "1004": CloseCode.NOT_ALLOWED}


async def test_a_password_change_ends_the_other_log_ins(
    address: str, headers: dict[str, str], database: Database
) -> None:
    async with database.transaction() as session:
        user = await accounts.get_user(session, (await agents.get_agent(session, "1001")).user_id or new_id())
        await accounts.reset_password(session, SYSTEM, user.id, "a password of the test")
    with pytest.raises(AssertionError, match="not-authenticated"):
        await new_ticket(address, headers)


async def test_tickets_are_for_agents(address: str, database: Database) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        for headers, status in (
            (await asker(database, Role.AGENT), 404),  # a user who is no agent
            (await asker(database, Role.SUPERVISOR), 403),
            (await as_api_key(database, Role.AGENT), 404),
        ):
            assert (await http.post("/api/v1/agents/me/tickets", headers=headers)).status_code == status


# -- slow clients


async def test_a_client_that_does_not_read_holds_nobody_up_and_little_memory(
    address: str, headers: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "SLOW_SECONDS", 0.5)
    other = await asker(database, Role.AGENT, agent="1002")
    async with desk(address, headers) as slow, desk(address, other) as page:
        slow.socket.transport.pause_reading()
        await tell_much(database, times=260)
        await tell(database, "quick", number="1002")
        await page.expect("message", text="quick")
        seen = slow.last
        await becomes(open_sockets, lambda count: count == 1)
    async with desk(address, headers, after=seen) as back:  # nothing is lost
        for _ in range(260):
            await back.expect("message")


async def tell_much(database: Database, *, times: int) -> None:
    """More than the kernel keeps for a reader that does not read."""
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await session.execute(
            text(
                "INSERT INTO agent_messages (agent_id, sequence, at, type, after)"
                " SELECT :agent, :last + n, now(), 'message', jsonb_build_object('text', repeat('x', 50000))"
                " FROM generate_series(1, :times) AS n"
            ),
            {"agent": agent.id, "last": agent.sequence, "times": times},
        )
        agent.sequence += times
        await announce(session, messages.TOPIC, [agent.id.hex])


async def open_sockets() -> float:
    return REGISTRY.get_sample_value("callcenter_desk_sockets") or 0.0
