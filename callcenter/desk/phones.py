"""The telephone in the desk's page: an account of its own for each log-in, which Asterisk takes without a reload
(docs/decisions/0032-browser-phones.md).
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Agent, Seat, SeatKind
from callcenter.asterisk.commands import PHONE_REALM, PutPhoneCredential, request_command
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.secrets import find_secret
from callcenter.desk.errors import NoBrowserSeat, PhoneSystemAway

TAKEN_SECONDS = 4.0
"""Within which Asterisk has heard of an account, or is said to be away."""
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class IceServer:
    """``username`` and ``credential`` are None for STUN."""

    url: str
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """``password``: shown this once; the next log-in has another."""

    username: str
    password: str
    realm: str
    command_id: int


async def find_own_seat(session: AsyncSession, agent: Agent) -> Seat | None:
    """Where the agent sits now."""
    return await session.get(Seat, agent.seat_name) if agent.seat_name else None


async def open_account(session: AsyncSession, agent: Agent, *, pbx: str, cause: str) -> PhoneAccount:
    """A new account of the agent's browser seat; the one before is void as soon as Asterisk has heard of this.

    Raises NoBrowserSeat: the agent sits nowhere, or where a telephone stands.
    """
    seat = await find_own_seat(session, agent)
    if seat is None or seat.kind != SeatKind.BROWSER:
        raise NoBrowserSeat
    password = secrets.token_urlsafe(24)
    command = PutPhoneCredential(seat=seat.name, digest=account_digest(seat.name, password))
    row = await request_command(session, pbx, command, cause=cause)
    await session.flush()
    return PhoneAccount(seat.name, password, PHONE_REALM, row.id)


async def wait_until_taken(database: Database, command_id: int) -> None:
    """Return when Asterisk has heard of the account. Raises PhoneSystemAway; then ask for another one later."""
    deadline = asyncio.get_running_loop().time() + TAKEN_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        async with database.transaction() as session:
            state = await session.scalar(select(PbxCommand.state).where(PbxCommand.id == command_id))
        if state == CommandState.DONE:
            return
        if state not in {CommandState.PENDING, CommandState.SENT}:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    raise PhoneSystemAway


def account_digest(username: str, password: str) -> str:
    """RFC 7616, 3.4.2: A1 of the MD5 algorithm. Of a password of 192 random bits, so MD5's weakness is of no use."""
    return hashlib.md5(f"{username}:{PHONE_REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


def socket_url(settings: Settings) -> str:
    """Where the page's telephone finds Asterisk."""
    return settings.phone_socket_url or f"ws://127.0.0.1:{settings.pbx_http_port}/ws"


def ice_servers(settings: Settings, owner: str) -> list[IceServer]:
    """What the page needs to reach Asterisk's media: nothing on one network.

    Accounts of the TURN server last as long as a log-in: the user name says until when, the password is keyed with
    the secret that the server shares (the TURN REST API's draft, as coturn has it).
    """
    found = [IceServer(settings.phone_stun_url)] if settings.phone_stun_url else []
    secret = find_secret(settings, "phone_turn_secret")
    if settings.phone_turn_url and secret:
        username = turn_username(owner, now() + timedelta(hours=settings.session_hours))
        found.append(IceServer(settings.phone_turn_url, username, turn_password(username, secret)))
    return found


def turn_username(owner: str, until: datetime) -> str:
    """Also tells the server until when."""
    return f"{int(until.timestamp())}:{owner}"


def turn_password(username: str, secret: str) -> str:
    """What the server, which has the secret too, finds for that name."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()
