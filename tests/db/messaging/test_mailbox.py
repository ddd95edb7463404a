"""Mails that come back: read from a mailbox over TLS, believed when they name what only our mail has."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.messaging import service
from callcenter.messaging.errors import MailboxUnavailable
from callcenter.messaging.mail import MailServer
from callcenter.messaging.mailbox import BounceReader, Mailbox
from callcenter.messaging.models import Channel, OutboxMessage
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.service import NewMessage
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender
from tests.support.imap_server import ImapBox, imap_server
from tests.support.mail_reports import delivery_report
from tests.support.mail_server import MailBox


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def imap(authority: trustme.CA) -> AsyncIterator[ImapBox]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with imap_server(ImapBox(), context) as box:
        yield box


@pytest.fixture
def mailbox(imap: ImapBox, authority: trustme.CA, tmp_path: Path) -> Mailbox:
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    return Mailbox("127.0.0.1", imap.port, "hotline", imap.password, str(trusted))


async def sent(database: Database, box: MailBox) -> tuple[int, str]:
    """Its number, and the Message-ID that it went out with."""
    new = NewMessage(
        Channel.MAIL, "zhang@example.com", {"text": "好"}, "campaign", "attempt-1", "预约", is_private=True
    )
    async with database.transaction() as session:
        (message,) = await service.request_messages(session, [new])
    server = MailServer("127.0.0.1", box.port, "none", "hotline@hospital.example")
    await MessageSender(database, "pbx1", server, WebhookSender(Allowed.of(Settings()), "key")).send_due()
    return message.id, box.mails[-1]["Message-ID"]


async def report_of(database: Database, message_id: int) -> str | None:
    async with database.transaction() as session:
        return (await session.get_one(OutboxMessage, message_id)).report


async def test_one_that_came_back(database: Database, box: MailBox, imap: ImapBox, mailbox: Mailbox) -> None:
    number, message_id = await sent(database, box)
    told: list[tuple[str, str | None]] = []

    async def tell(_session: object, message: OutboxMessage) -> None:
        told.append((message.reference, message.report))

    reader = BounceReader(database, mailbox, tell=[tell])
    imap.mails = {1: b"Subject: hello\r\n\r\nGood morning\r\n", 2: delivery_report("<other@example.com>")}
    assert await reader.look() == 0
    imap.mails[3] = delivery_report(message_id)
    assert await reader.look() == 1
    assert (await report_of(database, number), told) == ("bounced", [("attempt-1", "bounced")])
    assert await reader.look() == 0  # it is read
    assert await BounceReader(database, mailbox, tell=[tell]).look() == 1  # again after a restart, and nothing changes
    assert len(told) == 1
    allowed = ("CAPABILITY", "EXAMINE", "UID SEARCH", "UID FETCH", "LOGOUT")  # others read this mailbox too
    assert [one for one in imap.commands if not one.startswith(allowed)] == []


async def test_a_forged_one(database: Database, box: MailBox, imap: ImapBox, mailbox: Mailbox) -> None:
    number, _ = await sent(database, box)
    imap.mails = {1: delivery_report(f"<1.2.3.pbx1.{number}.{'0' * 32}@hospital.example>")}
    await BounceReader(database, mailbox).look()
    assert await report_of(database, number) is None


async def test_a_mailbox_that_cannot_be_read(database: Database, imap: ImapBox, mailbox: Mailbox) -> None:
    imap.password = "changed"
    with pytest.raises(MailboxUnavailable):
        await BounceReader(database, mailbox).look()
    stranger = Mailbox("127.0.0.1", imap.port, "hotline", "word")  # whose certificate is that?
    with pytest.raises(MailboxUnavailable):
        await BounceReader(database, stranger).look()
