"""What supervisors do with calls: who may, what Asterisk is told, what is kept of it."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.live_calls import CallState, Direction, new_call
from callcenter.agents.models import Activity, Seat
from callcenter.asterisk.commands import Command
from callcenter.asterisk.events import ChanSpyStart, ChanSpyStop
from callcenter.asterisk.supervisor_commands import (
    BringToFront,
    ChangeMode,
    EndCall,
    Listen,
    MoveWaiting,
    StopListening,
    TakeOver,
)
from callcenter.calls.models import CallLink
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from callcenter.queues.models import Queue, WaitingCaller
from callcenter.supervision.handlers import HANDLERS
from callcenter.supervision.models import Listening
from tests.db.supervision.conftest import does, given_call, seated, waits
from tests.support.people import asker, commands_of

CALL = "pbx1-1763754631.12"
LEG = "pbx1-1763754631.13"
API = "/api/v1/supervision"


async def lead(database: Database, *scope: str) -> dict[str, str]:
    return await asker(database, Role.SUPERVISOR, scope=scope)


async def talks(database: Database, number: str, seat: str, *, queue: str | None = "mine") -> None:
    """Agent ``number`` at ``seat`` talks with a caller of ``queue``."""
    await seated(database, number, seat)
    await does(database, number, Activity.ON_CALL, CALL)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, number, lock=True)
        call = new_call(LEG, CALL, Direction.INBOUND, CallState.TALKING, queue=queue)
        agent.live_call = call.model_dump(mode="json")


async def told(database: Database) -> list[Command]:
    """What supervisors had Asterisk told, without what it was told of members."""
    return [command for command in await commands_of(database) if not command.action.startswith("queue_")]


async def audited(database: Database) -> list[tuple[str, str | None, dict[str, Any]]]:
    async with database.transaction() as session:
        query = select(AuditEntry).where(AuditEntry.action.startswith("supervision.")).order_by(AuditEntry.id)
        return [(entry.action, entry.subject_id, entry.details) for entry in await session.scalars(query)]


async def listenings(database: Database) -> list[Listening]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Listening).order_by(Listening.requested_at)))


async def happens(database: Database, event: ChanSpyStart | ChanSpyStop) -> None:
    async with database.transaction() as session:
        await HANDLERS[type(event)](event, session)


# -- listening


async def test_listen_change_the_mode_and_stop(client: httpx.AsyncClient, database: Database) -> None:
    await talks(database, "1001", "seat-rose")
    headers = await lead(database, "mine")
    path = f"{API}/agents/1001/listening"
    answer = await client.put(path, headers=headers, json={"mode": "listen", "seat": "seat-lead"})
    assert answer.status_code == 202
    (listening,) = await listenings(database)
    assert (listening.agent_number, listening.call_id, listening.mode) == ("1001", CALL, "listen")
    state = await client.get(f"{API}/commands/{answer.json()['command_id']}", headers=headers)
    assert (state.json()["action"], state.json()["state"]) == ("listen", "pending")

    await happens(database, ChanSpyStart(listening.id))
    board = (await client.get(f"{API}/board", headers=headers)).json()
    row = next(agent for agent in board["agents"] if agent["number"] == "1001")
    assert (row["listener"], row["mode"], row["queue"]) == (listening.user_name, "listen", "mine")

    assert (await client.put(path, headers=headers, json={"mode": "whisper", "seat": "seat-lead"})).status_code == 202
    assert (await client.delete(f"{API}/listening", headers=headers)).status_code == 202
    assert await told(database) == [
        Listen(seat="seat-rose", call=CALL, supervisor_seat="seat-lead", spy=listening.id, mode="listen"),
        ChangeMode(spy=listening.id, mode="whisper"),
        StopListening(spy=listening.id),
    ]
    assert await audited(database) == [
        ("supervision.listen", CALL, {"agent": "1001", "mode": "listen", "seat": "seat-lead", "queue": "mine"}),
        ("supervision.listen", CALL, {"agent": "1001", "mode": "whisper", "seat": "seat-lead", "queue": "mine"}),
        ("supervision.stop_listening", None, {}),
    ]
    again = await client.delete(f"{API}/listening", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "not-listening")


async def test_listening_ends_with_the_telephone(client: httpx.AsyncClient, database: Database) -> None:
    await talks(database, "1001", "seat-rose")
    headers = await lead(database)
    await client.put(f"{API}/agents/1001/listening", headers=headers, json={"seat": "seat-lead"})
    (listening,) = await listenings(database)
    await happens(database, ChanSpyStart(listening.id))
    await happens(database, ChanSpyStop(listening.id))
    await happens(database, ChanSpyStop(listening.id))
    (listening,) = await listenings(database)
    assert listening.ended_at is not None
    board = (await client.get(f"{API}/board", headers=headers)).json()
    assert {agent["listener"] for agent in board["agents"]} == {None}


async def test_who_listens_to_another_leaves_the_first(client: httpx.AsyncClient, database: Database) -> None:
    await talks(database, "1001", "seat-rose")
    await talks(database, "1003", "seat-maple")
    headers = await lead(database)
    for number in ("1001", "1003"):
        await client.put(f"{API}/agents/{number}/listening", headers=headers, json={"seat": "seat-lead"})
        spy = (await listenings(database))[-1].id
        await happens(database, ChanSpyStart(spy))
    first, second = await listenings(database)
    assert (first.ended_at is None, second.ended_at is None) == (False, True)
    assert [type(command) for command in await told(database)] == [Listen, StopListening, Listen]


async def test_listening_that_cannot_be(client: httpx.AsyncClient, database: Database) -> None:
    await talks(database, "1001", "seat-rose")
    await seated(database, "1003", "seat-maple")
    headers = await lead(database)

    async def code(number: str, body: dict[str, str], as_whom: dict[str, str] = headers) -> tuple[int, str]:
        answer = await client.put(f"{API}/agents/{number}/listening", headers=as_whom, json=body)
        return answer.status_code, answer.json()["code"]

    assert await code("1003", {"seat": "seat-lead"}) == (409, "agent-not-on-call")
    assert await code("1001", {}) == (409, "supervisor-without-seat")
    assert await code("1001", {"seat": "seat-maple"}) == (409, "seat-taken")
    assert await code("1001", {"seat": "seat-none"}) == (404, "seat-not-found")
    assert await code("9999", {"seat": "seat-lead"}) == (404, "agent-not-found")
    async with database.transaction() as session:
        await session.execute(update(Seat).where(Seat.name == "seat-lead").values(registered=False))
    assert await code("1001", {"seat": "seat-lead"}) == (409, "telephone-away")
    agent_too = await asker(database, Role.SUPERVISOR, agent="1007", queues=("mine",))
    await seated(database, "1007", "seat-lotus")
    await talks(database, "1007", "seat-lotus")
    assert await code("1007", {}, agent_too) == (409, "own-conversation")
    assert await told(database) == []
    assert await audited(database) == []


async def test_the_own_seat_rings(client: httpx.AsyncClient, database: Database) -> None:
    await talks(database, "1001", "seat-rose")
    headers = await asker(database, Role.SUPERVISOR, agent="1007", queues=("mine",))
    await seated(database, "1007", "seat-lotus")
    assert (await client.put(f"{API}/agents/1001/listening", headers=headers, json={})).status_code == 202
    (command,) = await told(database)
    assert isinstance(command, Listen)
    assert command.supervisor_seat == "seat-lotus"


async def test_take_over(client: httpx.AsyncClient, database: Database) -> None:
    """Who listens is connected at once; anybody else's telephone rings."""
    await talks(database, "1001", "seat-rose")
    headers, body = await lead(database), {"seat": "seat-lead"}
    assert (await client.post(f"{API}/agents/1001/take-over", headers=headers, json=body)).status_code == 202
    await client.put(f"{API}/agents/1001/listening", headers=headers, json=body)
    (listening,) = await listenings(database)
    await happens(database, ChanSpyStart(listening.id))
    assert (await client.post(f"{API}/agents/1001/take-over", headers=headers, json=body)).status_code == 202
    at_once, _, listened = await told(database)
    assert at_once == TakeOver(seat="seat-rose", call=CALL, supervisor_seat="seat-lead", spy=None)
    assert listened == TakeOver(seat="seat-rose", call=CALL, supervisor_seat="seat-lead", spy=listening.id)
    assert (await audited(database))[-1] == ("supervision.take_over", CALL, {"agent": "1001", "queue": "mine"})


# -- hanging up


async def test_hang_up(client: httpx.AsyncClient, database: Database) -> None:
    await given_call(database, CALL, queue="mine", visit="answered")
    async with database.transaction() as session:
        session.add_all([CallLink(linkedid=CALL, call_id=CALL), CallLink(linkedid="pbx1-2.1", call_id=CALL)])
    answer = await client.post(f"{API}/calls/{CALL}/hang-up", headers=await lead(database, "mine"))
    assert answer.status_code == 202
    assert await told(database) == [EndCall(linkedids=(CALL, "pbx1-2.1"))]
    assert await audited(database) == [("supervision.hang_up", CALL, {"queue": "mine"})]


async def test_a_call_that_is_over_or_unknown(client: httpx.AsyncClient, database: Database) -> None:
    await given_call(database, CALL, queue="mine", visit="answered", state="finished")
    async with database.transaction() as session:
        session.add(CallLink(linkedid=CALL, call_id=CALL))
    headers = await lead(database)
    over = await client.post(f"{API}/calls/{CALL}/hang-up", headers=headers)
    assert (over.status_code, over.json()["code"]) == (409, "call-over")
    unknown = await client.post(f"{API}/calls/pbx1-9.9/hang-up", headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "call-not-found")


# -- who waits


async def test_move_to_another_queue(client: httpx.AsyncClient, database: Database) -> None:
    await waits(database, CALL, "mine")
    answer = await client.post(f"{API}/waiting/{CALL}/move", headers=await lead(database), json={"queue": "theirs"})
    assert answer.status_code == 202
    assert await told(database) == [MoveWaiting(uniqueid=CALL, queue="theirs", max_wait_seconds=600)]
    assert await audited(database) == [("supervision.move", CALL, {"queue": "mine", "to": "theirs"})]


async def test_moves_that_cannot_be(client: httpx.AsyncClient, database: Database) -> None:
    callback = f"pbx1-cb-{'a' * 32}"
    await waits(database, CALL, "mine")
    await waits(database, callback, "mine")
    headers = await lead(database)

    async def code(uniqueid: str, queue: str) -> tuple[int, str]:
        answer = await client.post(f"{API}/waiting/{uniqueid}/move", headers=headers, json={"queue": queue})
        return answer.status_code, answer.json()["code"]

    assert await code("pbx1-9.9", "theirs") == (409, "caller-not-waiting")
    assert await code(CALL, "mine") == (409, "already-in-queue")
    assert await code(CALL, "nowhere") == (404, "queue-not-found")
    assert await code(callback, "theirs") == (409, "callback-not-movable")
    await given_call(database, CALL, queue="mine", visit="open", about_agent_number="1004")
    async with database.transaction() as session:
        session.add(CallLink(linkedid=CALL, call_id=CALL))
    assert await code(CALL, "theirs") == (409, "complained-agent-serves-queue")
    async with database.transaction() as session:
        await session.execute(update(Queue).where(Queue.name == "theirs").values(active=False))
    assert await code(CALL, "theirs") == (409, "queue-takes-nobody")
    assert await told(database) == []


async def test_to_the_front(client: httpx.AsyncClient, database: Database) -> None:
    await waits(database, CALL, "mine", priority=3)
    await waits(database, "pbx1-2.1", "mine", priority=9)
    await waits(database, "pbx1-3.1", "theirs", priority=50)
    headers = await lead(database, "mine")
    for _ in range(2):  # who is first already stays so
        assert (await client.post(f"{API}/waiting/{CALL}/front", headers=headers)).status_code == 202
    assert await told(database) == [BringToFront(uniqueid=CALL, priority=10)] * 2
    async with database.transaction() as session:
        assert (await session.get_one(WaitingCaller, CALL)).priority == 10
    board = (await client.get(f"{API}/board", headers=headers)).json()
    assert [caller["uniqueid"] for caller in board["waiting"]] == [CALL, "pbx1-2.1"]


# -- who may


@pytest.mark.parametrize("scope", ["mine", "theirs"])
async def test_nothing_outside_the_own_queues(client: httpx.AsyncClient, database: Database, scope: str) -> None:
    """The agent serves both queues; the caller is of one."""
    await talks(database, "1003", "seat-maple", queue="mine")
    await given_call(database, CALL, queue="mine", visit="answered")
    async with database.transaction() as session:
        session.add(CallLink(linkedid=CALL, call_id=CALL))
    await waits(database, "pbx1-2.1", "mine")
    headers = await lead(database, scope)
    answers = {
        "listen": await client.put(
            f"{API}/agents/1003/listening", headers=headers, json={"mode": "barge", "seat": "seat-lead"}
        ),
        "take over": await client.post(f"{API}/agents/1003/take-over", headers=headers, json={"seat": "seat-lead"}),
        "hang up": await client.post(f"{API}/calls/{CALL}/hang-up", headers=headers),
        "front": await client.post(f"{API}/waiting/pbx1-2.1/front", headers=headers),
        "move": await client.post(f"{API}/waiting/pbx1-2.1/move", headers=headers, json={"queue": "theirs"}),
    }
    expected = dict.fromkeys(answers, 202 if scope == "mine" else 403) | {"move": 403}
    assert {name: answer.status_code for name, answer in answers.items()} == expected
    refused = {answer.json()["code"] for answer in answers.values() if answer.status_code == 403}
    assert refused == {"outside-queue-scope"}
    assert len(await audited(database)) == len(await told(database)) == (4 if scope == "mine" else 0)


async def test_a_call_in_a_menu_belongs_to_whom_its_number_falls_back(
    client: httpx.AsyncClient, database: Database
) -> None:
    await given_call(database, CALL)
    async with database.transaction() as session:
        session.add(CallLink(linkedid=CALL, call_id=CALL))
    for scope, status in (("theirs", 403), ("mine", 202)):
        answer = await client.post(f"{API}/calls/{CALL}/hang-up", headers=await lead(database, scope))
        assert answer.status_code == status


async def test_what_others_asked_for_is_not_told(client: httpx.AsyncClient, database: Database) -> None:
    await waits(database, CALL, "mine")
    answer = await client.post(f"{API}/waiting/{CALL}/front", headers=await lead(database))
    path = f"{API}/commands/{answer.json()['command_id']}"
    assert (await client.get(path, headers=await lead(database))).status_code == 404
