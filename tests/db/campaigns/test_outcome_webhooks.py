"""Whoever asked for it is told of every attempt: signed, again until it is taken, of one contact in its order."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from callcenter.calls.service import LedgerHandlers
from callcenter.campaigns.handlers import on_ends
from callcenter.campaigns.models import CampaignAttempt
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.messaging.models import OutboxMessage
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender, signature
from tests.support.campaigns import AT, START, add, attempts, contact, given_campaign, hangup, lines_of, person, place
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.people import PBX
from tests.support.webhook_server import Received, WebhookServer

KEY = "key-of-the-test"
INSIDE = Allowed.of(Settings(webhook_hosts="localhost", webhook_networks="127.0.0.0/8"))
HANDLERS = LedgerHandlers(on_ends=(on_ends,))
BUSY_TWICE = {"after": {"busy": {"times": 1, "after_minutes": 5, "spread_percent": 0}}}
NAME = "张伟"


async def busy(database: Database, folder: LedgerFolder, campaign: UUID, at: datetime, *, start: int = 0) -> None:
    """Everybody who is due is dialled and busy."""
    await place(database, campaign, at)
    for one in [one for one in await attempts(database) if one.is_open]:
        folder.append(lines_of(one.id, START, hangup(17), start=start))
    await read_all(folder, database, HANDLERS)


async def given_busy_twice(database: Database, folder: LedgerFolder, report_to: str) -> list[CampaignAttempt]:
    campaign = await given_campaign(database, retry=BUSY_TWICE, report_to=report_to)
    await add(database, campaign, person(name=NAME))
    await busy(database, folder, campaign, AT)
    again_at = (await contact(database)).next_at
    assert again_at is not None
    await busy(database, folder, campaign, again_at, start=400)
    return sorted(await attempts(database), key=lambda one: one.number)


@pytest.fixture
def sender(database: Database) -> MessageSender:
    return MessageSender(database, PBX, None, WebhookSender(INSIDE, KEY))


async def become_due(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(OutboxMessage).values(due_at=now() - timedelta(seconds=1)))


async def test_each_attempt_is_told(
    database: Database, folder: LedgerFolder, hook: WebhookServer, sender: MessageSender
) -> None:
    first, second = await given_busy_twice(database, folder, f"http://localhost:{hook.port}/outcomes")
    while await sender.send_due():
        pass
    told = [request.json() for request in hook.requests]
    assert [(one["attempt_id"], one["attempt"]) for one in told] == [(first.id, 1), (second.id, 2)]
    assert [(one["outcome"], one["state"], one["result"]) for one in told] == [
        ("busy", "waiting", None),
        ("busy", "finished", "unreachable"),
    ]
    assert told[0]["next_at"] is not None
    assert told[1]["next_at"] is None
    for request in hook.requests:
        headers, body = request.headers, request.body
        assert headers["x-callcenter-signature"] == f"v1={signature(KEY, headers['x-callcenter-timestamp'], body)}"
        assert first.address[-8:] not in body.decode()  # no number
        assert NAME not in body.decode()


async def test_the_second_waits_until_the_first_was_taken(
    database: Database, folder: LedgerFolder, hook: WebhookServer, sender: MessageSender
) -> None:
    """A late word about the first must not stand over what the second said."""
    await given_busy_twice(database, folder, f"http://localhost:{hook.port}/")
    hook.answer = lambda _request: ("503 busy",)
    for tries in (1, 2):
        await become_due(database)
        await sender.send_due()
        assert _numbers(hook.requests) == [1] * tries
    hook.answer = lambda _request: ("200 OK",)
    await become_due(database)
    while await sender.send_due():
        pass
    assert _numbers(hook.requests) == [1, 1, 1, 2]


async def test_who_did_not_ask_is_not_told(database: Database, folder: LedgerFolder, sender: MessageSender) -> None:
    await given_busy_twice(database, folder, "")
    assert await sender.send_due() == 0


def _numbers(requests: list[Received]) -> list[int]:
    return [request.json()["attempt"] for request in requests]
