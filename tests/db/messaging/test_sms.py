"""Text messages over a real HTTP gateway: what it is asked, what its answers and its silence come to."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.core.alarms import Alarm
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.messaging import service
from callcenter.messaging.models import Channel, OutboxMessage, Report
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.service import NewMessage
from callcenter.messaging.sms import HttpSmsGateway, Sms
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender, is_signed
from tests.support.ports import free_port
from tests.support.webhook_server import WebhookServer

NUMBER, KEY = "+8613800000001", "key-of-the-test"
SMS = Sms("张伟您好，您预约了3月3日。", "zh", "SMS_1", {"name": "张伟", "when": "3月3日"})
NO_WEBHOOKS = WebhookSender(Allowed.of(Settings()), "other-key")


class Told(list[tuple[str, str, str | None]]):
    """Reference, state and report of each message that was told of, while its content was gone already."""

    async def __call__(self, _session: object, message: OutboxMessage) -> None:
        assert (message.target, message.content) == ("", {})
        self.append((message.reference, message.state, message.report))


def gateway(hook: WebhookServer, **changed: Any) -> HttpSmsGateway:
    return replace(HttpSmsGateway(f"http://127.0.0.1:{hook.port}/send?of=us", KEY, "医院"), **changed)


def sender_of(database: Database, sms: HttpSmsGateway | None, tell: Told | None = None) -> MessageSender:
    return MessageSender(database, "pbx1", None, NO_WEBHOOKS, sms=sms, tell=[tell] if tell is not None else [])


async def given_sms(database: Database, **values: Any) -> int:
    new = NewMessage(Channel.SMS, NUMBER, SMS.content(), "campaign", "attempt-1", is_private=True, **values)
    async with database.transaction() as session:
        (message,) = await service.request_messages(session, [new])
        return message.id


async def message(database: Database, message_id: int) -> OutboxMessage:
    async with database.transaction() as session:
        return await session.get_one(OutboxMessage, message_id)


async def become_due(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(OutboxMessage).values(due_at=now() - timedelta(seconds=1)))


async def alarm_keys(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm.key).where(Alarm.kind == service.ALARM)))


async def test_what_the_gateway_is_asked(database: Database, hook: WebhookServer) -> None:
    number, told = await given_sms(database), Told()
    assert await sender_of(database, gateway(hook), told).send_due() == 1
    (request,) = hook.requests
    assert request.path == "/send?of=us"
    assert request.json() == {
        "id": f"pbx1.{number}",
        "to": NUMBER,
        "sender": "医院",
        "text": SMS.text,
        "language": "zh",
        "template": "SMS_1",
        "variables": {"name": "张伟", "when": "3月3日"},
    }
    timestamp, signature = (request.headers[f"x-callcenter-{name}"] for name in ("timestamp", "signature"))
    assert is_signed(KEY, timestamp, signature, request.body, at=now())
    assert (await message(database, number)).state == "sent"
    assert told == [("attempt-1", "sent", None)]


async def test_nothing_of_it_stays_when_it_is_over(database: Database, hook: WebhookServer) -> None:
    number = await given_sms(database)
    hook.answer = lambda _request: ("503 busy",)
    await sender_of(database, gateway(hook)).send_due()
    assert (await message(database, number)).target == NUMBER  # it is to be sent yet
    hook.answer = lambda _request: ("422 no such number",)
    await become_due(database)
    await sender_of(database, gateway(hook)).send_due()
    over = await message(database, number)
    assert (over.state, over.target, over.subject, over.content, over.answer) == ("failed", "", "", {}, "422")
    assert [request.json()["id"] for request in hook.requests] == [f"pbx1.{number}"] * 2
    assert await alarm_keys(database) == []  # one reader's number is nobody's fault


@pytest.mark.parametrize("how", ["silent", "hangs up", "500 oops", "502 bad gateway"])
async def test_what_was_perhaps_taken_is_unknown_and_never_sent_again(
    database: Database, hook: WebhookServer, how: str
) -> None:
    hook.answer = lambda _request: None if how == "silent" else ("",) if how == "hangs up" else (how,)
    number, told = await given_sms(database), Told()
    sender = sender_of(database, gateway(hook, total_seconds=0.5), told)
    await sender.send_due()
    assert (await message(database, number)).state == "unknown"
    await become_due(database)
    assert await sender.send_due() == 0
    assert (len(hook.requests), told) == (1, [("attempt-1", "unknown", None)])


async def test_a_gateway_that_is_away_is_tried_until_the_time_is_over(database: Database, hook: WebhookServer) -> None:
    number = await given_sms(database, expires_at=now() + timedelta(minutes=1))
    told = Told()
    away = sender_of(database, gateway(hook, url=f"http://127.0.0.1:{free_port()}/"), told)
    await away.send_due()
    assert (await message(database, number)).state == "pending"
    async with database.transaction() as session:
        await session.execute(update(OutboxMessage).values(expires_at=now() + timedelta(seconds=3)))
    await become_due(database)
    await away.send_due()
    assert ((await message(database, number)).state, told) == ("expired", [("attempt-1", "expired", None)])
    assert await alarm_keys(database) == ["sms:expired"]


async def test_what_is_too_late_is_not_begun(database: Database, hook: WebhookServer) -> None:
    number = await given_sms(database)
    async with database.transaction() as session:
        await service.expire_messages(session, "campaign", ["attempt-1"], now())
    await sender_of(database, gateway(hook)).send_due()
    assert ((await message(database, number)).state, hook.requests) == ("expired", [])
    assert await alarm_keys(database) == []  # somebody wanted it so


async def test_without_a_gateway_they_wait(database: Database) -> None:
    number = await given_sms(database)
    await sender_of(database, None).send_due()
    waiting = await message(database, number)
    assert (waiting.state, waiting.answer) == ("pending", "no SMS gateway is set")


# -- what is reported later


async def report(database: Database, delivery: str, told: Told, word: Report = Report.DELIVERED) -> None:
    async with database.transaction() as session:
        await service.record_report(session, delivery, word, now(), tell=[told])


async def test_the_first_report_counts(database: Database, hook: WebhookServer) -> None:
    number, told = await given_sms(database), Told()
    await sender_of(database, gateway(hook)).send_due()
    for word in (Report.BOUNCED, Report.DELIVERED, Report.BOUNCED):
        await report(database, f"pbx1.{number}", told, word)
    assert told == [("attempt-1", "sent", "bounced")]


@pytest.mark.parametrize("delivery", ["pbx1.999999", "pbx1.", "pbx1.0", "x", "pbx1.1 OR 1=1", "pbx1.٣", "9" * 80])
async def test_a_report_of_what_nobody_knows(database: Database, delivery: str) -> None:
    number, told = await given_sms(database), Told()
    await report(database, delivery, told)
    await report(database, f"pbx1.{number}", told)  # which was never sent
    assert (told, (await message(database, number)).state) == ([], "pending")


async def test_a_report_that_overtakes_the_answer(database: Database, hook: WebhookServer) -> None:
    """The gateway says that it was delivered before, or instead of, answering us: so it had it."""
    number, told = await given_sms(database), Told()
    hook.answer = lambda _request: None
    sender = sender_of(database, gateway(hook, total_seconds=1.0), told)

    async with database.transaction() as session:  # between the claim and the record
        await session.execute(update(OutboxMessage).values(state="sending", claimed_by="pbx1", attempts=1))
    await report(database, f"pbx1.{number}", told)
    assert told == []
    async with database.transaction() as session:
        assert await service.settle(session, "pbx1", now(), tell=[told]) == 1
    assert told == [("attempt-1", "sent", "delivered")]
    assert await sender.send_due() == 0


async def test_a_report_of_one_that_was_to_be_tried_again(database: Database, hook: WebhookServer) -> None:
    hook.answer = lambda _request: ("503 busy",)
    number, told = await given_sms(database), Told()
    sender = sender_of(database, gateway(hook), told)
    await sender.send_due()
    await report(database, f"pbx1.{number}", told)
    await become_due(database)
    assert (await sender.send_due(), told) == (0, [("attempt-1", "sent", "delivered")])


# -- the gateway's way in

REPORTS = "/api/v1/messages/sms-reports"
EXAMPLE: dict[str, str] = {"id": "pbx1.1", "status": "delivered"}


async def test_without_a_key_nobody_reports(client: httpx.AsyncClient) -> None:
    answer = await client.post(REPORTS, json=EXAMPLE, headers={"X-Callcenter-Signature": "v1="})
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
