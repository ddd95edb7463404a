"""Own queues now, told to many open sockets."""

import asyncio
from contextlib import suppress

import orjson

from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.desk.connections import Connections, DeskConnection
from callcenter.desk.queue_feed import GROUP, QueueFeed
from callcenter.queues.models import WaitingCaller
from tests.support.people import given_agent, given_queue

SOCKETS = 2 * GROUP + 1


async def test_every_one_of_many_sockets_is_told_and_told_again(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        agent = await given_agent(session, queues=["consultation"])
    sockets = [DeskConnection(agent.id, b"", sent=0, opened_at_sequence=0) for _ in range(SOCKETS)]
    connections = Connections()
    for socket in sockets:
        connections.add(socket)
    feed = QueueFeed(database, connections)
    feed.on_queues([])
    running = asyncio.create_task(feed.run())
    try:
        assert [await _waiting(socket) for socket in sockets] == [0] * SOCKETS
        async with database.transaction() as session:
            waiting = WaitingCaller(uniqueid="pbx1-1.1", queue_name="consultation", pbx="pbx1", priority=0)
            waiting.caller_number, waiting.joined_at = "", now()
            session.add(waiting)
        feed.on_queues(["consultation"])
        assert [await _waiting(socket) for socket in sockets] == [1] * SOCKETS
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        for socket in sockets:
            connections.remove(socket)


async def _waiting(socket: DeskConnection) -> int:
    """In the agent's only queue, as the next frame says."""
    (frame,) = await socket.take(10)
    (row,) = orjson.loads(frame)["after"]["queues"]
    waiting: int = row["waiting"]
    return waiting
