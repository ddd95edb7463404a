"""What changed, announced to every process by PostgreSQL NOTIFY: ids only, never data.

A notification is sent when its transaction commits and lost by whoever is away: after a reconnect a subscriber
is told so (``on_gap``) and reads the rows again. LISTEN needs a direct connection (no pgbouncer in
transaction mode).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import asyncpg
import structlog
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from callcenter.core.db import CONNECTION_FAULTS
from callcenter.core.waiting import wait_at_most

log = structlog.get_logger(__name__)

MAX_PAYLOAD_BYTES = 7_900
"""PostgreSQL refuses payloads of 8,000 bytes and more."""
_QUIET_SECONDS = 10.0

Subscriber = Callable[[list[str]], None]


async def announce(session: AsyncSession, topic: str, ids: Iterable[str]) -> None:
    """Tell all processes, at commit, that the things ``ids`` of ``topic`` changed. Ids hold no spaces."""
    topics: dict[str, dict[str, None]] = session.info.setdefault(_ANNOUNCEMENTS, {})
    topics.setdefault(topic, {}).update(dict.fromkeys(ids))


_ANNOUNCEMENTS = "announcements"
"""In ``session.info``: topic -> ids, in order, each once."""
_NOTIFY = text(
    "SELECT pg_notify(topic, payload)"
    " FROM unnest(CAST(:topics AS text[]), CAST(:payloads AS text[])) AS told (topic, payload)"
)


@event.listens_for(Session, "before_commit")
def _send_announcements(session: Session) -> None:
    """All that a transaction announces goes in as few notifications as it fits into."""
    topics: dict[str, dict[str, None]] = session.info.pop(_ANNOUNCEMENTS, {})
    told = [(topic, payload) for topic, ids in topics.items() for payload in _payloads(ids)]
    if told:
        session.execute(_NOTIFY, {"topics": [one[0] for one in told], "payloads": [one[1] for one in told]})


def _payloads(ids: Iterable[str]) -> Iterator[str]:
    payload = ""
    for one in ids:
        if payload and len(payload.encode()) + 1 + len(one.encode()) > MAX_PAYLOAD_BYTES:
            yield payload
            payload = ""
        payload = f"{payload} {one}" if payload else one
    yield payload


class BusListener:
    """Subscriptions of one process over one connection, reconnecting by itself."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._subscribers: dict[str, list[Subscriber]] = defaultdict(list)
        self._on_gap: list[Callable[[], None]] = []

    def subscribe(self, topic: str, subscriber: Subscriber, on_gap: Callable[[], None] | None = None) -> None:
        """Before :meth:`run`. ``subscriber(ids)`` and ``on_gap()`` are plain functions that only set or enqueue."""
        self._subscribers[topic].append(subscriber)
        if on_gap is not None:
            self._on_gap.append(on_gap)

    async def run(self) -> None:
        """Listen until cancelled; whatever was announced while the connection was away is one ``on_gap``."""
        delay_seconds = 0.1
        while True:
            try:
                connection = await connect(self._url, application_name="callcenter-bus")
            except CONNECTION_FAULTS as error:
                log.warning("bus_unavailable", reason=type(error).__name__)
                await asyncio.sleep(delay_seconds)
                delay_seconds = min(delay_seconds * 2, 2.0)
                continue
            delay_seconds = 0.1
            try:
                await self._listen(connection)
            except CONNECTION_FAULTS as error:
                log.warning("bus_lost", reason=type(error).__name__)
            finally:
                connection.terminate()

    async def _listen(self, connection: asyncpg.Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        for topic in self._subscribers:
            await connection.add_listener(topic, self._deliver)
        for on_gap in self._on_gap:
            on_gap()
        while not lost.is_set():
            if not await wait_at_most(lost, _QUIET_SECONDS):
                await connection.execute("SELECT 1", timeout=5)  # notices a half-open link

    def _deliver(self, _connection: object, _pid: int, topic: str, payload: object) -> None:
        ids = str(payload).split()
        for subscriber in self._subscribers[topic]:
            subscriber(ids)


async def connect(
    database_url: str, *, application_name: str, settings: Mapping[str, str] = MappingProxyType({})
) -> asyncpg.Connection:
    """A connection outside the pool, for what must hold one: LISTEN, advisory locks. URL as for Database.

    ``settings``: PostgreSQL's own, for this session.
    """
    url = make_url(database_url)
    host = url.query.get("host") or url.host
    arguments: dict[str, Any] = {
        "host": host if isinstance(host, str | None) else list(host),
        "port": url.port or url.query.get("port"),
        "user": url.username,
        "password": url.password,
        "database": url.database,
    }
    return await asyncpg.connect(
        **{key: value for key, value in arguments.items() if value is not None},
        timeout=5,
        server_settings={"application_name": application_name, **settings},
    )
