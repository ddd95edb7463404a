"""The account of a telephone in the page: for a browser seat only, taken by Asterisk before the page has it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import SeatKind
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.desk import phones
from tests.support.api import declared_roles
from tests.support.people import asker, given_seats
from tests.support.polling import becomes

TURN = "h+sC1l7yv9oS2rRJrrsspKgyZhE="
PHONE, ACCOUNT, STATE = "/api/v1/agents/me/phone", "/api/v1/agents/me/phone/account", "/api/v1/agents/me/state"


@pytest.fixture
async def li_na(database: Database) -> dict[str, str]:
    """An agent, two seats: one with a telephone, one in a browser."""
    async with database.transaction() as session:
        await given_seats(session, "seat-rose")
        await agents.create_seat(session, name="seat-page", label="网页", kind=SeatKind.BROWSER)
    return await asker(database, Role.AGENT, agent="1001")


async def commands(database: Database, action: str) -> list[PbxCommand]:
    async with database.transaction() as session:
        query = select(PbxCommand).where(PbxCommand.action == action).order_by(PbxCommand.id)
        return list(await session.scalars(query))


async def asterisk_takes_it(database: Database) -> PbxCommand:
    """As the engine does: the command is done."""
    (row, *_) = await becomes(lambda: commands(database, "put_phone_credential"), bool)
    async with database.transaction() as session:
        (await session.get_one(PbxCommand, row.id)).state = CommandState.DONE
    return row


async def sit_at(client: httpx.AsyncClient, headers: dict[str, str], seat: str) -> None:
    answer = await client.put(STATE, headers=headers, json={"wanted": "paused", "seat": seat})
    assert answer.status_code == 200, answer.text


async def test_it_is_given_when_asterisk_has_it(
    client: httpx.AsyncClient, database: Database, li_na: dict[str, str]
) -> None:
    await sit_at(client, li_na, "seat-page")
    asked = asyncio.create_task(client.post(ACCOUNT, headers=li_na))
    row = await asterisk_takes_it(database)
    answer = await asked
    account = answer.json()
    assert (answer.status_code, account["username"], account["realm"]) == (201, "seat-page", "callcenter")
    assert (account["uri"], account["socket_url"]) == ("sip:seat-page@callcenter", "ws://127.0.0.1:8088/ws")
    assert account["ice_servers"] == []
    digest = phones.account_digest("seat-page", account["password"])
    assert row.arguments == {"seat": "seat-page", "digest": digest}, "what is kept is not the password"
    assert len(account["password"]) >= 32
    assert answer.headers["cache-control"] == "no-store"


async def test_it_goes_with_the_seat(client: httpx.AsyncClient, database: Database, li_na: dict[str, str]) -> None:
    await sit_at(client, li_na, "seat-page")
    assert (await client.get(PHONE, headers=li_na)).json() == {
        "seat": "seat-page",
        "kind": "browser",
        "registered": False,
        "socket_url": "ws://127.0.0.1:8088/ws",
    }
    await client.put(STATE, headers=li_na, json={"wanted": "logged_out"})
    (removed,) = await commands(database, "remove_phone_credential")
    assert removed.arguments == {"seat": "seat-page"}
    assert (await client.get(PHONE, headers=li_na)).json()["kind"] is None
    await sit_at(client, li_na, "seat-rose")
    await client.put(STATE, headers=li_na, json={"wanted": "logged_out"})
    assert len(await commands(database, "remove_phone_credential")) == 1, "a telephone keeps its password"


async def test_who_sits_elsewhere_gets_none(client: httpx.AsyncClient, li_na: dict[str, str]) -> None:
    for seat in (None, "seat-rose"):
        if seat:
            await sit_at(client, li_na, seat)
        answer = await client.post(ACCOUNT, headers=li_na)
        assert (answer.status_code, answer.json()["code"]) == (409, "no-browser-seat")


async def test_an_asterisk_that_is_away_is_told(
    client: httpx.AsyncClient, database: Database, li_na: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phones, "TAKEN_SECONDS", 0.2)
    await sit_at(client, li_na, "seat-page")
    answer = await client.post(ACCOUNT, headers=li_na)
    assert (answer.status_code, answer.json()["code"]) == (503, "phone-system-away")


async def test_a_browser_s_seat_has_no_password_to_show(client: httpx.AsyncClient, database: Database) -> None:
    admin = await asker(database, Role.ADMIN)
    made: dict[str, Any] = {}
    for kind in ("browser", "phone"):
        answer = await client.post(
            "/api/v1/seats", headers=admin, json={"name": f"at-{kind}", "label": "x", "kind": kind}
        )
        made[kind] = answer.json()
    assert (made["browser"]["sip_password"], made["browser"]["kind"]) == (None, "browser")
    assert len(made["phone"]["sip_password"]) >= 32


async def test_who_may(client: httpx.AsyncClient) -> None:
    own = ["admin", "agent", "expert"]
    declared = await declared_roles(client, "desk_get_own_phone", "desk_open_phone_account")
    assert declared == {"desk_get_own_phone": own, "desk_open_phone_account": own}


def test_accounts_of_the_turn_server_are_what_coturn_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known answer: printf '%s' USER | openssl dgst -sha1 -hmac SECRET -binary | base64."""
    until = datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert phones.turn_username("seat-page", until) == "1767600000:seat-page"
    assert phones.turn_password("1767600000:seat-page", "north") == TURN
    monkeypatch.setenv("CALLCENTER_PHONE_TURN_SECRET", "north")
    servers = phones.ice_servers(
        Settings(state_dir=tmp_path, phone_stun_url="stun:turn.test:3478", phone_turn_url="turn:turn.test:3478"),
        "seat-page",
    )
    assert [server.url for server in servers] == ["stun:turn.test:3478", "turn:turn.test:3478"]
    assert servers[0].credential is None
    assert servers[1].credential == phones.turn_password(str(servers[1].username), "north")
