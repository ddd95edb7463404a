"""The live board: what stands on it, who sees what, and that changes come by themselves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, update

from callcenter.accounts.models import LoginSession, Role, User
from callcenter.agents.models import Activity
from callcenter.core.alarms import raise_alarm
from callcenter.core.background import Background
from callcenter.core.bus import BusListener, announce
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.queues import service as queues
from callcenter.queues.models import WaitingCaller
from callcenter.supervision.board_keeper import MOST_FRAMES, BoardKeeper
from callcenter.supervision.board_reading import BoardReader
from tests.db.supervision.conftest import does, given_call, opened, seated, waits
from tests.support.people import asker
from tests.support.polling import becomes

BOARD = "/api/v1/supervision/board"


def background_of(database: Database) -> Background:
    return Background(BusListener(database.url))


async def lead(database: Database, *scope: str) -> dict[str, str]:
    return await asker(database, Role.SUPERVISOR, scope=scope)


async def test_the_whole_board(client: httpx.AsyncClient, database: Database) -> None:
    await given_call(database, "pbx1-1.1", queue="mine", visit="open", name="欧阳娜娜", vip_grade="gold", verified=True)
    await given_call(database, "pbx1-2.1", queue="mine", visit="answered")
    await given_call(database, "pbx1-3.1", name="张伟")
    await waits(database, "pbx1-1.1", "mine", priority=5)
    await waits(database, "pbx1-1.7", "mine", priority=9)
    await seated(database, "1001", "seat-rose")
    await seated(database, "1002", "seat-lotus", available=False)
    await does(database, "1001", Activity.ON_CALL, "pbx1-2.1")
    async with database.transaction() as session:
        await raise_alarm(session, "trunk_down", severity="critical")
    board = (await client.get(BOARD, headers=await lead(database))).json()

    mine, theirs = board["queues"]
    assert (mine["name"], theirs["name"]) == ("mine", "theirs")
    assert (mine["waiting"], mine["opening"]) == (2, "open")
    assert mine["agents"] == {"idle": 0, "ringing": 0, "on_call": 1, "wrap_up": 0, "paused": 1}
    assert [caller["uniqueid"] for caller in board["waiting"]] == ["pbx1-1.7", "pbx1-1.1"], "in the order of service"
    unknown, known = board["waiting"]
    assert (known["name"], known["number"], known["vip_grade"], known["verified"]) == ("欧***", "138****", "gold", True)
    assert (unknown["name"], unknown["vip_grade"], unknown["verified"]) == (None, None, False)
    agents = {agent["number"]: agent for agent in board["agents"]}
    assert (agents["1001"]["activity"], agents["1001"]["queue"], agents["1001"]["seat"]) == (
        "on_call",
        "mine",
        "seat-rose",
    )
    assert agents["1001"]["registered"]
    assert (agents["1003"]["wanted"], agents["1003"]["queues"]) == ("logged_out", ["mine", "theirs"])
    assert [(call["call_id"], call["name"], call["step"]) for call in board["menus"]] == [("pbx1-3.1", "张*", "greet")]
    assert [alarm["kind"] for alarm in board["alarms"]] == ["trunk_down"]
    assert board["trunks"] == [{"name": "pbx1", "in_use": 0, "channels": None}]


AT = datetime(2026, 1, 5, 2, 20, tzinfo=UTC)
"""20 past 10 on the hospital's clock."""


async def test_figures_of_today_and_of_the_last_half_hour(database: Database, tmp_path: Path) -> None:
    for number, (outcome, wait_seconds, minutes_ago) in enumerate(
        [
            ("answered", 10, 5),
            ("answered", 30, 5),
            ("abandoned", 3, 29),
            ("abandoned", 60, 29),
            ("answered", 10, 31),
            ("answered", 10, 10 * 60 + 19),
            ("answered", 10, 10 * 60 + 21),  # yesterday
        ]
    ):
        await given_call(
            database,
            f"pbx1-1.{number}",
            queue="mine",
            visit=outcome,
            reason="agent_hangup",
            at=AT - timedelta(minutes=minutes_ago),
            wait_seconds=wait_seconds,
            talk_seconds=120,
            state="finished",
        )
    reader = BoardReader(Settings(state_dir=tmp_path), lambda: AT)
    for _ in range(2):  # the second time most of it is not counted again
        async with database.transaction() as session:
            await reader.read_whole(session)
        queues = reader.tables()["queues"]
        assert queues["mine"]["today"] == {"offered": 6, "answered": 4, "abandoned": 2, "service_level": 0.6}
        assert queues["mine"]["last_30_minutes"] == {
            "offered": 4,
            "answered": 2,
            "abandoned": 2,
            "service_level": 0.3333,
        }
        assert queues["theirs"]["today"] == {"offered": 0, "answered": 0, "abandoned": 0, "service_level": None}


async def test_a_supervisor_sees_the_own_queues_only(client: httpx.AsyncClient, database: Database) -> None:
    await given_call(database, "pbx1-3.1")
    await waits(database, "pbx1-1.1", "mine")
    await waits(database, "pbx1-2.1", "theirs")
    async with database.transaction() as session:
        await raise_alarm(session, "longest_wait", key="mine", queues=["mine"])
        await raise_alarm(session, "longest_wait", key="theirs", queues=["theirs"])
        await raise_alarm(session, "trunk_down")
    seen = {}
    for scope in ((), ("mine",), ("theirs",)):
        board = (await client.get(BOARD, headers=await lead(database, *scope))).json()
        seen[scope] = [
            [row["name"] for row in board["queues"]],
            [row["uniqueid"] for row in board["waiting"]],
            [row["number"] for row in board["agents"]],
            [row["call_id"] for row in board["menus"]],
            [row["queues"] for row in board["alarms"]],
        ]
    assert seen == {
        (): [
            ["mine", "theirs"],
            ["pbx1-1.1", "pbx1-2.1"],
            ["1001", "1002", "1003", "1004"],
            ["pbx1-3.1"],
            [None, ["theirs"], ["mine"]],
        ],
        ("mine",): [["mine"], ["pbx1-1.1"], ["1001", "1002", "1003"], ["pbx1-3.1"], [None, ["mine"]]],
        ("theirs",): [["theirs"], ["pbx1-2.1"], ["1003", "1004"], [], [None, ["theirs"]]],
    }


# -- the stream


async def test_changes_come_by_themselves_and_each_sees_the_own(served: httpx.AsyncClient, database: Database) -> None:
    mine, theirs = await lead(database, "mine"), await lead(database, "theirs")
    async with opened(served, mine) as one, opened(served, theirs) as other:
        first = await one.next()
        assert first.kind == "board"
        assert [queue["name"] for queue in first.data["queues"]] == ["mine"]
        assert (await other.next()).kind == "board"
        await waits(database, "pbx1-1.1", "mine")
        came = await one.until(lambda event: "waiting" in event.data["changed"])
        assert came.kind == "change"
        assert [caller["uniqueid"] for caller in came.data["changed"]["waiting"]] == ["pbx1-1.1"]
        await seated(database, "1001", "seat-rose")
        await one.until(lambda event: [row["number"] for row in event.data["changed"].get("agents", ())] == ["1001"])
        async with database.transaction() as session:
            await session.execute(delete(WaitingCaller))
            await announce(session, queues.TOPIC, ["mine"])
        gone = await one.until(lambda event: "waiting" in event.data["removed"])
        assert gone.data["removed"]["waiting"] == ["pbx1-1.1"]
        await seated(database, "1003", "seat-maple")
        await other.until(lambda event: [row["number"] for row in event.data["changed"].get("agents", ())] == ["1003"])


async def test_a_log_in_that_is_ended_ends_the_stream(served: httpx.AsyncClient, database: Database) -> None:
    headers = await lead(database)
    async with opened(served, headers) as stream:
        await stream.next()
        async with database.transaction() as session:
            await session.execute(delete(LoginSession))
        with pytest.raises(StopAsyncIteration):
            while True:
                await stream.next()


async def test_a_scope_that_is_changed_changes_what_is_seen(served: httpx.AsyncClient, database: Database) -> None:
    async with opened(served, await lead(database)) as stream:
        await stream.next()
        async with database.transaction() as session:
            await session.execute(update(User).values(queue_scope=["theirs"]))
        board = await stream.until(lambda event: event.kind == "board")
        assert [queue["name"] for queue in board.data["queues"]] == ["theirs"]


async def test_what_is_no_event_stream_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    answer = await client.get("/api/v1/supervision/stream", headers=await lead(database))
    assert (answer.status_code, answer.json()["code"]) == (406, "not-acceptable")


async def test_who_reads_too_slowly_gets_the_whole_board_again(database: Database, tmp_path: Path) -> None:
    keeper = BoardKeeper(Settings(state_dir=tmp_path), database, background_of(database), linger_seconds=0)
    async with keeper.watch(None) as watcher:
        assert b"event: board" in (await watcher.next(keeper, 1) or b"")
        for number in range(MOST_FRAMES + 1):
            watcher.put(b"%d" % number)
        assert b"event: board" in (await watcher.next(keeper, 1) or b"")


async def test_the_board_is_kept_while_somebody_watches(database: Database, tmp_path: Path) -> None:
    keeper = BoardKeeper(Settings(state_dir=tmp_path), database, background_of(database), linger_seconds=0)

    async def is_running() -> bool:
        return keeper.is_running

    async with keeper.watch(None):
        async with keeper.watch(frozenset({"mine"})):
            pass
        assert keeper.is_running
    await becomes(is_running, lambda running: not running)
