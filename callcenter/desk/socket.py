"""The desk's socket, ``/api/v1/agents/me/socket`` (docs/agent-api.md): what happens to an agent, as it happens."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import Headers

from callcenter.accounts.access import live_roles
from callcenter.agents import messages
from callcenter.agents.errors import TicketRefused
from callcenter.core.background import Background
from callcenter.core.db import Database
from callcenter.core.http import DatabaseUnavailable, open_transaction
from callcenter.core.jobs import keep_running, run_every
from callcenter.desk import hello, tickets
from callcenter.desk.connections import Connections, DeskConnection
from callcenter.desk.frames import HELLO, PING, CloseCode, Opening, passing_frame
from callcenter.desk.message_feed import MessageFeed
from callcenter.desk.queue_feed import QueueFeed
from callcenter.queues import service as queues

log = structlog.get_logger(__name__)

router = APIRouter()

OPENING_SECONDS = 5.0
"""Within which the first frame comes."""
PING_SECONDS = 15.0
"""Of quiet, after which a ping tells a page that the line is still there: it cannot see the protocol's own."""
SLOW_SECONDS = 10.0
"""How long a frame may wait for the client to take it."""
CLOSE_SECONDS = 1.0
LOGIN_SECONDS = 2.0
"""How often it is looked whether the log-ins still hold."""


class DeskSockets:
    """All sockets of this process, and what feeds them."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self.connections = Connections()
        self.messages = MessageFeed(database, self.connections)
        self.queues = QueueFeed(database, self.connections)
        bus = background.bus
        bus.subscribe(messages.TOPIC, self.messages.on_messages, self.messages.on_gap)
        bus.subscribe(queues.TOPIC, self.queues.on_queues, self.queues.on_gap)
        bus.subscribe(queues.MEMBERS_TOPIC, self.queues.on_members)
        background.add("desk-messages", lambda: keep_running("desk-messages", self.messages.run))
        background.add("desk-queues", lambda: keep_running("desk-queues", self.queues.run))
        background.add("desk-logins", lambda: run_every("desk-logins", LOGIN_SECONDS, self._end_with_log_ins))

    @asynccontextmanager
    async def open(self, connection: DeskConnection) -> AsyncIterator[None]:
        """In the list first, then read: what is announced from now on makes it due again."""
        self.connections.add(connection)
        self.messages.want([connection])
        self.queues.on_queues([])
        try:
            yield
        finally:
            self.connections.remove(connection)
            self.messages.forget(connection)
            self.queues.forget(connection)

    async def _end_with_log_ins(self) -> None:
        """Logged out, expired, password changed, account closed: no screen goes on with it."""
        connections = list(self.connections)
        if not connections:
            return
        async with self._database.transaction() as session:
            roles = await live_roles(session, {one.login_digest for one in connections})
        for connection in connections:
            now_has = roles.get(connection.login_digest)
            if now_has is None:
                connection.end(CloseCode.LOGIN_ENDED)
            elif now_has.isdisjoint(tickets.ALLOWED):
                connection.end(CloseCode.NOT_ALLOWED)


@router.websocket("/agents/me/socket")
async def agent_socket(websocket: WebSocket) -> None:
    """The first frame brings a ticket of ``POST /agents/me/tickets``; from then on only the service sends."""
    app = websocket.app
    if not is_origin_allowed(websocket.headers, app.state.settings.allowed_origins):
        log.warning("desk_socket_refused", reason="origin")
        await websocket.close()  # before it is accepted: HTTP 403
        return
    await websocket.accept()
    sockets: DeskSockets = app.state.desk_sockets
    try:
        opening = await _receive_opening(websocket)
        connection, frame = await _enter(app.state.database, opening, websocket)
    except _Refused as refused:
        await _close(websocket, refused.code)
        return
    except WebSocketDisconnect:
        return
    connection.put(frame)
    async with sockets.open(connection):
        code = await _serve(websocket, connection, sockets.messages)
    if code is not None:
        await _close(websocket, code)


def is_origin_allowed(headers: Headers, allowed: Collection[str]) -> bool:
    """Whether the page that opens the socket is one of ours: of this host, or named in the settings.

    A programme sends no Origin; it needs its ticket all the same. The scheme is not compared: TLS may end before us.
    """
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return True
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc == headers.get("host")


class _Refused(Exception):
    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


async def _receive_opening(websocket: WebSocket) -> Opening:
    try:
        async with asyncio.timeout(OPENING_SECONDS):
            return Opening.model_validate_json(await websocket.receive_text())
    except TimeoutError as error:
        raise _Refused(CloseCode.TOO_LATE) from error
    except (ValidationError, KeyError) as error:  # KeyError: a binary frame
        raise _Refused(CloseCode.BAD_FRAME) from error


async def _enter(database: Database, opening: Opening, websocket: WebSocket) -> tuple[DeskConnection, str]:
    """One transaction: the ticket is used, earlier sockets of the agent are told, the present state is read."""
    source = websocket.client.host if websocket.client else ""
    try:
        async with open_transaction(database) as session:
            ticket = await tickets.redeem(session, opening.ticket)
            entered = await hello.enter(session, ticket.agent_id, after=opening.after, source=source)
    except TicketRefused as error:
        raise _Refused(CloseCode.LOGIN_ENDED) from error
    except (DatabaseUnavailable, DBAPIError) as error:
        raise _Refused(CloseCode.TRY_LATER) from error
    connection = DeskConnection(
        ticket.agent_id, ticket.token_digest, sent=entered.sent, opened_at_sequence=entered.sequence
    )
    return connection, passing_frame(HELLO, entered.present)


async def _serve(websocket: WebSocket, connection: DeskConnection, feed: MessageFeed) -> CloseCode | None:
    """Until the client goes (None), or is to go."""
    receiving = asyncio.create_task(_receive_until_gone(websocket), name="desk-receive")
    sending = asyncio.create_task(_send(websocket, connection, feed), name="desk-send")
    try:
        await asyncio.wait({receiving, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            return sending.result()
        return CloseCode.BAD_FRAME if receiving.result() else None
    finally:
        for task in (receiving, sending):
            task.cancel()
        await asyncio.wait({receiving, sending})


async def _close(websocket: WebSocket, code: CloseCode) -> None:
    log.info("desk_socket_closed", code=int(code), reason=code.name)
    with suppress(TimeoutError, WebSocketDisconnect):  # who takes nothing will not take this either
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(code)


async def _receive_until_gone(websocket: WebSocket) -> bool:
    """Whether something came, which nothing should."""
    message = await websocket.receive()
    return bool(message["type"] == "websocket.receive")


async def _send(websocket: WebSocket, connection: DeskConnection, feed: MessageFeed) -> CloseCode | None:
    """None when the client is gone."""
    try:
        while True:
            frames = await connection.take(PING_SECONDS)
            if not frames and connection.close_code is not None:
                return connection.close_code
            for frame in frames or [passing_frame(PING, {})]:
                async with asyncio.timeout(SLOW_SECONDS):
                    await websocket.send_text(frame)
            if connection.is_behind:
                connection.is_behind = False
                feed.want([connection])
    except TimeoutError:
        return CloseCode.TOO_SLOW
    except WebSocketDisconnect:
        return None
