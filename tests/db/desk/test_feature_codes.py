"""Feature codes from a seat's telephone: real FastAGI, real database."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from callcenter.agents import service as agents
from callcenter.agents import telephones
from callcenter.agents.models import Wanted
from callcenter.asterisk import variables
from callcenter.asterisk.fastagi import FastAgiServer
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.desk import service
from callcenter.desk.feature_codes import FeatureCodes
from tests.support.agi_caller import AgiCaller
from tests.support.agi_peer import CLOSE, request_block, talk
from tests.support.locks import waits_for_a_lock
from tests.support.people import (
    BY_AGENT,
    KEY,
    PBX,
    PIN,
    commands_of,
    given_agent,
    given_queue,
    given_reason,
    given_seats,
    history_of,
    state_of,
)
from tests.support.ports import free_port

SEAT, OTHER_SEAT = "seat-rose", "seat-lotus"
HERE = f"200 result=1 ({SEAT})"
"""Asterisk's answer to the question which telephone this is."""


@pytest.fixture
async def port(database: Database) -> AsyncIterator[int]:
    """Of the service, with agents 1001 and 1002 logged out."""
    async with database.transaction() as session:
        await given_seats(session, SEAT, OTHER_SEAT)
        await given_reason(session, "lunch", digit="1")
        await given_reason(session, "smoking", digit="9", active=False)
        await given_queue(session, "vip")
        await given_agent(session, queues=["vip"])
        await given_agent(session, "1002")
    server = FastAgiServer("127.0.0.1", 0, FeatureCodes(database, pbx=PBX, code_key=KEY))
    await server.start()
    yield server.port
    await server.close()


async def dial(port: int, feature: str, *keys: str, seat: str = SEAT, digit: str = "") -> str:
    """The prompt that is heard at last."""
    given = {variables.SEAT: seat} | ({variables.DIGIT: digit} if digit else {})
    caller = AgiCaller(port, keys=keys, **given)
    assert await caller.visit(f"seat/{feature}")
    return caller.commands[-1].split()[2].strip('"') if caller.commands[-1].startswith("STREAM FILE") else ""


async def test_a_day_by_telephone(database: Database, port: int) -> None:
    assert await dial(port, "login", "1001", PIN) == "cc/agent_logged_in"
    assert await dial(port, "pause", digit="1") == "cc/agent_paused"
    assert (await state_of(database)).pause_reason == "lunch"
    assert await dial(port, "available") == "cc/agent_available"
    assert await dial(port, "logout") == "cc/agent_logged_out"
    history = await history_of(database)
    assert [change.wanted for change in history] == ["paused", "available", "paused", "available", "logged_out"]
    assert {(change.cause, change.actor_name, change.seat_name) for change in history} == {
        ("agent", "agent-1001", SEAT)
    }
    async with database.transaction() as session:
        audited = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    assert {(one.actor_kind, one.actor_id, one.source, one.action) for one in audited} == {
        ("phone", "1001", SEAT, "agents.set_state")
    }
    assert len(audited) == 4


async def test_logging_in_elsewhere_takes_the_agent_along(database: Database, port: int) -> None:
    await dial(port, "login", "1001", PIN)
    assert await dial(port, "login", "1001", PIN, seat=OTHER_SEAT) == "cc/agent_logged_in"
    assert (await state_of(database)).seat_name == OTHER_SEAT
    assert await dial(port, "available", seat=SEAT) == "cc/agent_refused"
    removed = [command for command in await commands_of(database) if command.action == "queue_remove"]
    assert [command.model_dump() for command in removed] == [{"queue": "vip", "seat": SEAT}]


async def test_a_telephone_that_is_not_registered_makes_nobody_available(database: Database, port: int) -> None:
    async with database.transaction() as session:
        await telephones.record_registration(session, SEAT, False, now())
    assert await dial(port, "login", "1001", PIN) == "cc/agent_refused"
    assert await history_of(database) == []


@pytest.mark.parametrize(
    ("feature", "keys", "digit"),
    [
        ("login", ("1001", "0000"), ""),
        ("login", ("9999", PIN), ""),
        ("login", ("", ""), ""),
        ("logout", (), ""),
        ("available", (), ""),
        ("pause", (), "1"),
        ("pause", (), "9"),
        ("pause", (), "5"),
        ("pause", (), ""),
    ],
)
async def test_what_cannot_be_is_said_and_changes_nothing(
    database: Database, port: int, feature: str, keys: tuple[str, ...], digit: str
) -> None:
    assert await dial(port, feature, *keys, digit=digit) == "cc/agent_refused"
    assert await history_of(database) == []
    assert await commands_of(database) == []


async def test_a_taken_seat_is_refused(database: Database, port: int) -> None:
    await dial(port, "login", "1001", PIN)
    assert await dial(port, "login", "1002", PIN) == "cc/agent_refused"
    assert (await state_of(database, "1002")).wanted == "logged_out"


@pytest.mark.parametrize(("path", "seat"), [("dance", SEAT), ("", SEAT), ("login", "")])
async def test_an_unknown_feature_or_a_nameless_telephone_hears_nothing(port: int, path: str, seat: str) -> None:
    assert await dial(port, path, seat=seat) == ""


async def test_hanging_up_while_keying_in_changes_nothing(database: Database, port: int) -> None:
    codes = FeatureCodes(database, pbx=PBX, code_key=KEY)
    said = await talk(codes, HERE, "200 result=1001", CLOSE, block=request_block("seat/login"))
    assert len(said.commands) == 3
    assert (await state_of(database)).wanted == "logged_out"


async def test_a_telephone_steers_only_who_sits_there_when_it_is_carried_out(database: Database, port: int) -> None:
    """The agent goes to another seat while the code dialled at the first waits for its turn."""
    await dial(port, "login", "1001", PIN)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await service.set_state(session, agent, Wanted.AVAILABLE, seat=OTHER_SEAT, reason=None, pbx=PBX, **BY_AGENT)
        await session.flush()
        late = asyncio.create_task(dial(port, "logout", seat=SEAT))
        await waits_for_a_lock(database)
    assert await late == "cc/agent_refused"
    assert (await state_of(database)).seat_name == OTHER_SEAT


async def test_a_database_that_is_away_is_said_too() -> None:
    away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/nothing")
    codes = FeatureCodes(away, pbx=PBX, code_key=KEY)
    said = await talk(codes, HERE, "200 result=0 endpos=0", block=request_block("seat/available"))
    assert said.error is None
    assert "cc/agent_refused" in said.commands[-1]
