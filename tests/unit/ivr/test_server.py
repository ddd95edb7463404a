"""The ivr role over real TCP: whole visits, the database away, and a stop that lets callers finish."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from callcenter.asterisk.agi_channel import AgiChannel
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.ivr.server import AgiHandler, IvrServer
from tests.support.agi_caller import AgiCaller
from tests.support.ports import free_port


@asynccontextmanager
async def running(tmp_path: Path, drain_seconds: float = 10, **handlers: AgiHandler) -> AsyncIterator[IvrServer]:
    """An ivr server on a free port whose database is away."""
    settings = Settings(state_dir=tmp_path, fastagi_port=1, drain_seconds=drain_seconds)
    settings.fastagi_port = 0
    database = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    server = IvrServer(settings, database, handlers=handlers, queue_names={"consultation", "complaint", "vip"})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        await database.close()


def caller(server: IvrServer, keys: Iterable[str] = (), did: str = "8000") -> AgiCaller:
    return AgiCaller(server.port, keys=keys, CC_DID=did, CC_VISIT="0", CC_SERVED="0")


async def test_a_call_from_ring_to_hang_up_with_the_database_away(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        one = caller(server, ["8", "", "0", *[""] * 9])
        await one.visit()
        assert one.variables["CC_OK"] == "1"
        assert (one.variables["CC_DO"], one.variables["CC_QUEUE"]) == ("queue", "consultation")
        one.variables |= {"CC_OK": "", "CC_RESULT": "CONTINUE", "CC_SERVED": "1"}
        await one.visit()
        assert (one.variables["CC_DO"], one.variables["CC_OK"]) == ("hangup", "1")
        told = [command for command in one.commands if "CELGenUserEvent" in command]
    assert re.findall(r"CC_STEP[,:]flow=\w+:step=(\w+:outcome=\w+)", " ".join(told)) == [
        "open_now:outcome=open",
        "who:outcome=unknown",
        "greet:outcome=next",
        "menu:outcome=next",
        "menu:outcome=0",
        "person:outcome=next",
        "transfer:outcome=next",
        "queue:outcome=answered",
        "rating:outcome=next",
        "mark:outcome=skipped",
        "goodbye:outcome=next",
        "bye:outcome=hangup",
    ]
    assert one.commands[-1].startswith('EXEC MSet "TIMEOUT(absolute)=0,')
    assert one.commands[-1].endswith(',CC_OK=1"')


async def test_the_channel_is_armed_before_anything_else(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        one = caller(server, ["", "", "0"])
        await one.visit()
    assert one.commands[0] == 'SET VARIABLE TIMEOUT(absolute) "3"'
    for command in ("STREAM FILE", "GET DATA"):
        assert one.armed(command) >= 4


async def test_a_number_without_a_flow_falls_back(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        one = caller(server, did="8009")
        assert await one.visit()
        assert "CC_OK" not in one.variables


async def test_other_paths_go_to_their_handlers(tmp_path: Path) -> None:
    paths: list[str] = []

    async def seat(channel: AgiChannel) -> None:
        paths.append(channel.path)

    async with running(tmp_path, seat=seat) as server:
        await caller(server).visit("seat/login")
        await caller(server).visit("seat/pause")
        with structlog.testing.capture_logs() as logs:
            await caller(server).visit("seats")
            await caller(server).visit("")
    assert paths == ["seat/login", "seat/pause"]
    assert [entry["event"] for entry in logs] == ["agi_path_unknown"] * 2


async def test_a_stop_lets_a_running_flow_finish_and_takes_no_new_one(tmp_path: Path) -> None:
    at_work, finish = asyncio.Event(), asyncio.Event()

    async def seat(channel: AgiChannel) -> None:
        at_work.set()
        await finish.wait()
        await channel.set_variable("DONE", "1")

    async with running(tmp_path, seat=seat) as server:
        one = caller(server)
        visit = asyncio.create_task(one.visit("seat/login"))
        await at_work.wait()
        stop = asyncio.create_task(server.stop())
        await asyncio.sleep(0)  # it begins
        assert not await caller(server).visit()
        assert not stop.done()
        finish.set()
        await asyncio.gather(stop, visit)
        assert one.variables["DONE"] == "1"


async def test_what_does_not_finish_in_time_is_cut_and_falls_back(tmp_path: Path) -> None:
    async with running(tmp_path, drain_seconds=0) as server:
        one = caller(server)
        visit = asyncio.create_task(one.visit())
        await one.in_menu.wait()
        with structlog.testing.capture_logs() as logs:
            await server.stop()
        await visit
    assert "CC_OK" not in one.variables
    assert {"event": "flows_cut_short", "visits": 1, "log_level": "warning"} in logs


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        settings = Settings(state_dir=tmp_path, fastagi_port=server.port)
        database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
        with pytest.raises(OSError, match="address already in use"):
            await IvrServer(settings, database).start()
        await database.close()
