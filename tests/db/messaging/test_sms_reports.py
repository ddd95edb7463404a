"""Delivery reports over HTTP: signed by the gateway, or nobody's."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from callcenter.core.db import Database
from callcenter.messaging.models import OutboxMessage
from callcenter.messaging.webhooks import signature, signed_headers
from tests.db.messaging.test_sms import KEY, REPORTS, gateway, given_sms, message, sender_of
from tests.support.api import api_client
from tests.support.webhook_server import WebhookServer


@pytest.fixture
async def client(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("CALLCENTER_SMS_GATEWAY_KEY", KEY)
    async with api_client(database, tmp_path / "state") as client:
        yield client


async def post(client: httpx.AsyncClient, content: Any, **headers: str) -> httpx.Response:
    body = orjson.dumps(content)
    signed = signed_headers(KEY, body, delivery="r1") | {f"X-Callcenter-{name}": text for name, text in headers.items()}
    return await client.post(REPORTS, content=body, headers=signed)


async def sent(database: Database, hook: WebhookServer) -> OutboxMessage:
    number = await given_sms(database)
    await sender_of(database, gateway(hook)).send_due()
    return await message(database, number)


async def test_a_report_is_kept_once(client: httpx.AsyncClient, database: Database, hook: WebhookServer) -> None:
    one = await sent(database, hook)
    for status in ("delivered", "delivered", "bounced"):
        answer = await post(client, {"id": f"pbx1.{one.id}", "status": status})
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await message(database, one.id)).report == "delivered"


async def test_what_nobody_knows_is_answered_the_same(client: httpx.AsyncClient) -> None:
    for unknown in ("pbx1.4711", "not one of ours", "pbx1.1; DROP TABLE outbox_messages", "/../"):
        answer = await post(client, {"id": unknown, "status": "delivered"})
        assert (answer.status_code, answer.content) == (204, b"")


async def test_who_does_not_sign_is_nobody(client: httpx.AsyncClient, database: Database, hook: WebhookServer) -> None:
    one = await sent(database, hook)
    content = {"id": f"pbx1.{one.id}", "status": "delivered"}
    old = str(int(time.time()) - 3_600)
    for headers in (
        {"Signature": "v1=00"},
        {"Signature": ""},
        {"Timestamp": old},
        {"Timestamp": old, "Signature": f"v1={signature('other', old, orjson.dumps(content))}"},
        {"Timestamp": "now"},
    ):
        answer = await post(client, content, **headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated"), headers
    replayed = {
        name: hook.requests[0].headers[name.lower()] for name in ("X-Callcenter-Timestamp", "X-Callcenter-Signature")
    }
    answer = await client.post(REPORTS, content=hook.requests[0].body, headers=replayed)  # our own word is no report
    assert answer.status_code == 422
    assert (await message(database, one.id)).report is None


async def test_what_is_no_report(client: httpx.AsyncClient) -> None:
    contents: list[Any] = [
        {},
        [],
        {"id": "pbx1.1", "status": "read"},
        {"id": "", "status": "delivered"},
        {"id": "x" * 81},
    ]
    for content in contents:
        assert (await post(client, content)).status_code == 422, content
    assert (await post(client, {"id": "x", "status": "delivered", "more": "x" * 20_000})).status_code == 413
