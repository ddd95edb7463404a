"""Mail over a real SMTP server, webhooks to a real web server: what becomes of each message, whatever goes wrong."""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import select, update

from callcenter.core.alarms import Alarm
from callcenter.core.bus import BusListener
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.messaging import queries, service
from callcenter.messaging.mail import MailServer
from callcenter.messaging.models import Channel, OutboxMessage
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender, signature
from tests.support.mail_server import MailBox, mail_server
from tests.support.polling import becomes
from tests.support.webhook_server import WebhookServer, webhook_server

DUTY = "duty@hospital.example"
HOST = "hooks.hospital.example"
KEY = "key-of-the-test"
INSIDE = Allowed.of(Settings(webhook_hosts=f"localhost,{HOST}", webhook_networks="127.0.0.0/8"))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def certificates(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def mail_over(box: MailBox) -> MailServer:
    return MailServer("127.0.0.1", box.port, "none", "hotline@hospital.example")


WEBHOOKS = WebhookSender(INSIDE, KEY)


def sender_of(
    database: Database, *, mail: MailServer | None = None, webhooks: WebhookSender = WEBHOOKS, name: str = "pbx1"
) -> MessageSender:
    return MessageSender(database, name, mail, webhooks)


async def given_mail(database: Database, to: str = DUTY, **values: Any) -> int:
    async with database.transaction() as session:
        message = await service.request_message(
            session,
            Channel.MAIL,
            to,
            subject="[告警] 有人等待过久",
            content={"text": "等待 61 秒\n"},
            purpose="alarm",
            reference="1",
        )
        for name, value in values.items():
            setattr(message, name, value)
        return message.id


async def given_webhook(database: Database, url: str) -> int:
    async with database.transaction() as session:
        message = await service.request_message(
            session, Channel.WEBHOOK, url, content={"event": "raised"}, purpose="alarm", reference="1"
        )
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


# -- mail


async def test_a_mail_arrives_as_it_was_written(database: Database, box: MailBox) -> None:
    number = await given_mail(database)
    assert await sender_of(database, mail=mail_over(box)).send_due() == 1
    (mail,) = box.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == (DUTY, "hotline@hospital.example", "[告警] 有人等待过久")
    assert mail.get_content().split() == ["等待", "61", "秒"]
    assert f"pbx1.{number}" in mail["Message-ID"]
    sent = await message(database, number)
    assert (sent.state, sent.attempts, sent.answer) == ("sent", 1, "250")
    assert sent.finished_at is not None
    assert await sender_of(database, mail=mail_over(box)).send_due() == 0


async def test_over_tls_with_a_log_in(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    async with mail_server(MailBox(password="word"), tls=server_context(authority, "127.0.0.1")) as box:
        server = replace(mail_over(box), tls="starttls", trusted=certificates(authority, tmp_path), user="hotline")
        wrong = await given_mail(database)
        await sender_of(database, mail=replace(server, password="guess")).send_due()
        assert (await message(database, wrong)).state == "pending"  # people mend that, then it goes
        await become_due(database)
        await sender_of(database, mail=replace(server, trusted=None, password="word")).send_due()
        assert ((await message(database, wrong)).state, box.mails) == ("pending", [])  # whose certificate is that?
        await become_due(database)
        await sender_of(database, mail=replace(server, password="word")).send_due()
        assert ((await message(database, wrong)).state, len(box.mails)) == ("sent", 1)


async def test_refused_for_good_or_for_now(database: Database, box: MailBox) -> None:
    box.refused = frozenset({"gone@hospital.example"})
    gone, greylisted = await given_mail(database, "gone@hospital.example"), await given_mail(database)
    box.answer = lambda _envelope: "451 try again later"
    sender = sender_of(database, mail=mail_over(box))
    assert await sender.send_due() == 2
    assert (await message(database, gone)).state == "failed"
    assert await alarm_keys(database) == ["mail:failed"]
    waiting = await message(database, greylisted)
    assert (waiting.state, waiting.attempts) == ("pending", 1)
    assert waiting.due_at > now()
    assert await sender.send_due() == 0
    box.answer = lambda _envelope: "250 taken"
    await become_due(database)
    await sender.send_due()
    sent = await message(database, greylisted)
    assert (sent.state, sent.attempts) == ("sent", 2)


async def test_what_cannot_be_a_mail_is_not_begun(database: Database, box: MailBox) -> None:
    number = await given_mail(database, subject="two\r\nBcc: everybody@hospital.example")
    await sender_of(database, mail=mail_over(box)).send_due()
    assert ((await message(database, number)).state, box.mails) == ("failed", [])


async def test_a_server_that_is_away_is_tried_again_for_a_day(database: Database) -> None:
    away = MailServer("127.0.0.1", closed_port(), "none", "hotline@hospital.example")
    fresh = await given_mail(database)
    old = await given_mail(database, created_at=now() - timedelta(days=1))
    await sender_of(database, mail=away).send_due()
    assert (await message(database, fresh)).state == "pending"
    assert (await message(database, old)).state == "given_up"
    assert await alarm_keys(database) == ["mail:given_up"]
    await become_due(database)
    await sender_of(database).send_due()  # no mail server is set at all
    assert (await message(database, fresh)).answer == "no mail server is set"


@pytest.mark.parametrize("how", ["hangs_up", "is_silent"])
async def test_a_lost_answer_leaves_it_unknown_and_it_is_not_sent_twice(
    database: Database, box: MailBox, how: str
) -> None:
    if how == "hangs_up":
        box.answer = lambda _envelope: None
        server = mail_over(box)
    else:
        server = replace(mail_over(box), step_seconds=0.5)
        box.silent = True
    number = await given_mail(database)
    sender = sender_of(database, mail=server)
    await sender.send_due()
    assert (await message(database, number)).state == "unknown"
    assert await alarm_keys(database) == ["mail:unknown"]
    await become_due(database)
    assert await sender.send_due() == 0
    assert len(box.mails) == 1


async def test_killed_between_the_sending_and_the_record(database: Database, box: MailBox) -> None:
    """The server takes the mail; the sender is dead before it can write that down."""
    started: list[int] = []

    def kill(_envelope: object) -> str:
        os.kill(started[0], signal.SIGKILL)
        return "250 taken"

    box.answer = kill
    number = await given_mail(database)
    program = Path(__file__).with_name("sending_process.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), database.url, str(box.port), cwd=Path(__file__).parents[3]
    )
    started.append(process.pid)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    assert ((await message(database, number)).state, len(box.mails)) == ("sending", 1)
    successor = asyncio.create_task(sender_of(database, mail=mail_over(box)).run())

    async def state() -> str:
        return (await message(database, number)).state

    try:
        assert await becomes(state, lambda found: found != "sending") == "unknown"
        second = await given_mail(database, "second@hospital.example")  # the successor works on
        box.answer = lambda _envelope: "250 taken"

        async def second_state() -> str:
            return (await message(database, second)).state

        assert await becomes(second_state, lambda found: found == "sent") == "sent"
    finally:
        successor.cancel()
    assert [mail["To"] for mail in box.mails] == [DUTY, "second@hospital.example"]


async def test_what_is_known_is_recorded_when_the_database_is_back(database_url: str, box: MailBox) -> None:
    is_away = False

    def fence() -> None:
        if is_away:
            raise ConnectionError("the database is away")

    def go_away(_envelope: object) -> str:
        nonlocal is_away
        is_away = True
        return "250 taken"

    box.answer = go_away
    database = Database(database_url, fence=fence)
    try:
        number = await given_mail(database)
        sender = sender_of(database, mail=mail_over(box))
        with pytest.raises(ConnectionError):
            await sender.send_due()
        is_away = False
        running = asyncio.create_task(sender.run())

        async def state() -> str:
            return (await message(database, number)).state

        assert await becomes(state, lambda found: found != "sending") == "sent"
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert len(box.mails) == 1
    finally:
        await database.close()


async def test_two_senders_send_each_message_once(database: Database, box: MailBox) -> None:
    for number in range(50):
        await given_mail(database, f"reader-{number}@hospital.example")
    senders = [sender_of(database, mail=mail_over(box), name=f"pbx{number}") for number in (1, 2)]
    while sum(await asyncio.gather(*(sender.send_due() for sender in senders))):
        pass
    assert sorted(mail["To"] for mail in box.mails) == sorted(
        f"reader-{number}@hospital.example" for number in range(50)
    )


async def test_only_what_one_left_itself_is_settled(database: Database) -> None:
    number = await given_mail(database)
    async with database.transaction() as session:
        await queries.claim_due(session, at=now(), claimed_by="pbx2", limit=1)
    async with database.transaction() as session:
        assert await service.settle(session, "pbx1", now()) == 0
        assert await service.settle(session, "pbx2", now()) == 1
    assert (await message(database, number)).state == "unknown"


async def test_all_senders_hear_of_it_with_the_commit(database: Database) -> None:
    heard: list[str] = []
    listening = asyncio.Event()
    bus = BusListener(database.url)
    bus.subscribe(service.TOPIC, heard.extend, listening.set)
    task = asyncio.create_task(bus.run())
    try:
        await asyncio.wait_for(listening.wait(), 10)
        number = await given_mail(database)

        async def ids() -> list[str]:
            return heard

        assert await becomes(ids, lambda found: found) == [str(number)]
    finally:
        task.cancel()


# -- webhooks


async def test_a_webhook_is_signed(database: Database, hook: WebhookServer) -> None:
    number = await given_webhook(database, f"http://localhost:{hook.port}/alarms?of=us")
    await sender_of(database).send_due()
    (request,) = hook.requests
    assert (request.path, request.json()) == ("/alarms?of=us", {"event": "raised"})
    assert request.headers["host"] == f"localhost:{hook.port}"
    timestamp = request.headers["x-callcenter-timestamp"]
    assert request.headers["x-callcenter-signature"] == f"v1={signature(KEY, timestamp, request.body)}"
    assert abs(int(timestamp) - now().timestamp()) < 300
    assert (await message(database, number)).state == "sent"


async def test_one_that_fails_comes_again_under_the_same_number(database: Database, hook: WebhookServer) -> None:
    hook.answer = lambda _request: ("503 busy",)
    number = await given_webhook(database, f"http://localhost:{hook.port}/")
    sender = sender_of(database, webhooks=replace(WEBHOOKS, total_seconds=0.5))
    await sender.send_due()
    assert (await message(database, number)).answer == "503"
    hook.answer = lambda _request: None  # says nothing
    await become_due(database)
    await sender.send_due()
    waiting = await message(database, number)
    assert (waiting.state, waiting.attempts, waiting.answer) == ("pending", 2, "no answer in time")
    hook.answer = lambda _request: ("204 thank you",)
    await become_due(database)
    await sender.send_due()
    assert (await message(database, number)).state == "sent"
    assert {request.headers["x-callcenter-delivery"] for request in hook.requests} == {f"pbx1.{number}"}
    assert len(hook.requests) == 3


async def test_a_redirect_is_not_followed(database: Database, hook: WebhookServer) -> None:
    async with webhook_server() as elsewhere:
        hook.answer = lambda _request: ("307 there", f"Location: http://localhost:{elsewhere.port}/")
        number = await given_webhook(database, f"http://localhost:{hook.port}/")
        await sender_of(database).send_due()
        assert ((await message(database, number)).state, elsewhere.requests) == ("failed", [])
    assert await alarm_keys(database) == ["webhook:failed"]


@pytest.mark.parametrize("allowed", [Settings(webhook_hosts="localhost"), Settings(webhook_hosts="elsewhere.example")])
async def test_where_it_may_not_go_nothing_goes(database: Database, authority: trustme.CA, allowed: Settings) -> None:
    """Also when the list was longer as the rule was made: it is looked at before each sending."""
    async with webhook_server(tls=server_context(authority, "localhost")) as hook:
        number = await given_webhook(database, f"https://localhost:{hook.port}/")
        await sender_of(database, webhooks=WebhookSender(Allowed.of(allowed), KEY)).send_due()
        assert ((await message(database, number)).state, hook.requests) == ("failed", [])


class Names:
    """A name server's answers in turn, as a hostile one would give them; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.asked = 0
        self._answers = answers
        loop = asyncio.get_running_loop()
        true_answer = loop.getaddrinfo

        async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
            if host != HOST:
                return await true_answer(host, port, **options)
            address = self._answers[min(self.asked, len(self._answers) - 1)]
            self.asked += 1
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)


async def test_the_address_that_was_looked_at_is_connected_to(
    database: Database, tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere the second time it is asked for: nobody asks a second time."""
    async with webhook_server(tls=server_context(authority, HOST)) as hook:
        names = Names(monkeypatch, "127.0.0.1", "169.254.169.254")
        number = await given_webhook(database, f"https://{HOST}:{hook.port}/alarms")
        webhooks = replace(WEBHOOKS, trusted=certificates(authority, tmp_path))
        await sender_of(database, webhooks=webhooks).send_due()
        assert ((await message(database, number)).state, names.asked) == ("sent", 1)
        assert hook.requests[0].headers["host"] == f"{HOST}:{hook.port}"
        await given_webhook(database, f"https://{HOST}:{hook.port}/alarms")
        await sender_of(database, webhooks=webhooks).send_due()
        assert len(hook.requests) == 1  # now the name leads where nothing may go


async def test_the_certificate_must_be_of_the_name(
    database: Database, tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, "127.0.0.1")
    trusted = certificates(authority, tmp_path)
    for name, trust in (("other.hospital.example", trusted), ("127.0.0.1", trusted), (HOST, None)):
        async with webhook_server(tls=server_context(authority, name)) as hook:
            number = await given_webhook(database, f"https://{HOST}:{hook.port}/")
            await sender_of(database, webhooks=replace(WEBHOOKS, trusted=trust)).send_due()
            assert ((await message(database, number)).state, hook.requests) == ("pending", []), name


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port
