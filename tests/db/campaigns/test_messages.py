"""Campaigns that write: over a real mail server and a real gateway, from due to what became of it, once each."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.campaigns import handlers, lifecycle
from callcenter.campaigns.models import CampaignState, Channel, ContactDecision
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.messaging import models as messaging
from callcenter.messaging import service
from callcenter.messaging.mail import MailServer
from callcenter.messaging.models import OutboxMessage, Report
from callcenter.messaging.sender import MessageSender
from tests.support.campaign_messages import (
    MAIL,
    NO_WEBHOOKS,
    NUMBER,
    alarm_kinds,
    attempts,
    become_due,
    call_around_the_clock,
    contact,
    dialer_of,
    given_campaign,
    given_contact,
    outbox,
    outcomes,
    report,
    sender_of,
    stands,
    write,
)
from tests.support.mail_server import MailBox
from tests.support.people import PBX
from tests.support.polling import becomes
from tests.support.webhook_server import WebhookServer


@pytest.fixture(autouse=True)
async def hours(database: Database) -> None:
    await call_around_the_clock(database)


# -- from due to sent


async def test_a_mail(database: Database, box: MailBox) -> None:
    campaign_id = await given_campaign(database, Channel.EMAIL)
    zhang = await given_contact(database, campaign_id)
    await write(database)
    (attempt,), (message,) = await attempts(database), await outbox(database)
    assert (attempt.channel, attempt.address, attempt.is_open, attempt.number) == ("email", MAIL, True, 1)
    assert (message.purpose, message.reference, message.is_private) == ("campaign", attempt.id, True)
    assert (await contact(database, zhang)).state == "dialling"
    await write(database)  # it is claimed: nothing more is made of it
    assert await sender_of(database, box).send_due() == 1
    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == (MAIL, "张伟的预约")
    assert mail.get_content().strip() == "张伟您好，您预约了3月3日。"
    assert await outcomes(database) == [("email", "sent")]
    assert await stands(database, zhang) == ("finished", "reached", "sent")
    assert (await contact(database, zhang)).status == "contacted"  # nobody has answered anything
    (over,) = await outbox(database)
    assert (over.state, over.target, over.subject, over.content) == ("sent", "", "", {})
    async with database.transaction() as session:
        decided = (await session.execute(select(ContactDecision.decision, ContactDecision.reason))).all()
    assert [tuple(row) for row in decided] == [("written", "due"), ("finished", "sent")]


async def test_a_text_message_and_its_report(database: Database, hook: WebhookServer) -> None:
    zhang = await given_contact(database, await given_campaign(database, Channel.SMS), email=None)
    await write(database)
    sender = sender_of(database, hook=hook)
    await sender.send_due()
    sent = hook.requests[0].json()
    assert (sent["to"], sent["text"], sent["template"]) == (NUMBER, "张伟您好，您预约了3月3日。", "SMS_1")
    assert await outcomes(database) == [("sms", "sent")]
    for word in (Report.DELIVERED, Report.BOUNCED):  # the second comes too late
        await report(database, word)
        assert await outcomes(database) == [("sms", "delivered")]
        assert await stands(database, zhang) == ("finished", "reached", "delivered")


async def test_a_refused_mail_goes_on_as_a_text_message(database: Database, box: MailBox, hook: WebhookServer) -> None:
    box.refused = frozenset({MAIL})
    zhang = await given_contact(database, await given_campaign(database, Channel.EMAIL, Channel.SMS))
    sender = sender_of(database, box, hook)
    await write(database)
    await sender.send_due()
    assert await stands(database, zhang) == ("waiting", None, "bounced")
    await write(database)
    await sender.send_due()
    assert await outcomes(database) == [("email", "bounced"), ("sms", "sent")]
    assert await stands(database, zhang) == ("finished", "reached", "sent")
    assert await alarm_kinds(database) == []


@pytest.mark.parametrize("goes_on", [True, False])
async def test_one_that_comes_back_later(database: Database, hook: WebhookServer, goes_on: bool) -> None:
    """Reached is taken back; the next channel follows, while the campaign lasts."""
    campaign_id = await given_campaign(database, Channel.SMS, Channel.EMAIL)
    zhang = await given_contact(database, campaign_id)
    await write(database)
    await sender_of(database, hook=hook).send_due()
    if not goes_on:
        async with database.transaction() as session:
            await lifecycle.set_state(session, SYSTEM, campaign_id, CampaignState.CANCELLED, now())
    await report(database, Report.BOUNCED)
    assert await outcomes(database) == [("sms", "bounced")]
    one = await contact(database, zhang)
    if goes_on:
        assert (one.state, one.result, one.finished_at, one.next_channel) == ("waiting", None, None, "email")
        assert one.status == "registered"
    else:
        assert (one.state, one.result, one.reason, one.status) == ("finished", "failed", "bounced", "failed")


async def test_an_address_that_is_none(database: Database, box: MailBox) -> None:
    """Two recipients, a header, a command: refused before the server hears of it."""
    campaign_id = await given_campaign(database, Channel.EMAIL)
    evil = ["a,b@example.com", "a@example.com\r\nBcc:c@example.com", "<a@example.com>", "a@b>SIZE=1", "张@example.com"]
    people = [await given_contact(database, campaign_id, email=address, numbers=[], key=address) for address in evil]
    await write(database)
    await sender_of(database, box).send_due()
    assert [await stands(database, one) for one in people] == [("finished", "failed", "bounced")] * len(evil)
    assert box.mails == []


async def test_a_mail_that_comes_back(database: Database, box: MailBox) -> None:
    zhang = await given_contact(database, await given_campaign(database, Channel.EMAIL, Channel.SMS))
    await write(database)
    await sender_of(database, box).send_due()
    (message,) = await outbox(database)
    for token in ("", message.token):
        assert await stands(database, zhang) == ("finished", "reached", "sent")
        async with database.transaction() as session:
            await service.record_report(
                session,
                f"{PBX}.{message.id}",
                Report.BOUNCED,
                now(),
                channel=messaging.Channel.MAIL,
                token=token,
                tell=[handlers.on_message],
            )
    assert await outcomes(database) == [("email", "bounced")]
    one = await contact(database, zhang)
    assert (one.state, one.reason, one.next_channel) == ("waiting", "bounced", "sms")


# -- what is uncertain is not repeated


async def test_a_lost_answer_leaves_it_unknown(database: Database, box: MailBox) -> None:
    box.answer = lambda _envelope: None
    zhang = await given_contact(database, await given_campaign(database, Channel.EMAIL, Channel.SMS))
    sender = sender_of(database, box)
    await write(database)
    await sender.send_due()
    assert await outcomes(database) == [("email", "unknown")]
    assert await stands(database, zhang) == ("finished", "unknown", "unknown")
    await become_due(database)
    await write(database)
    assert (await sender.send_due(), len(box.mails)) == (0, 1)
    assert await alarm_kinds(database) == ["campaign_attempt_unknown"]
    await report(database, Report.DELIVERED)  # of a mail there is none; and unknown stays
    assert await outcomes(database) == [("email", "unknown")]


async def test_killed_between_the_sending_and_the_record(database: Database, box: MailBox) -> None:
    """The successor knows of no answer: unknown, and no second mail."""
    started: list[int] = []

    def kill(_envelope: object) -> str:
        os.kill(started[0], signal.SIGKILL)
        return "250 taken"

    box.answer = kill
    zhang = await given_contact(database, await given_campaign(database, Channel.EMAIL))
    await write(database)
    root = Path(__file__).parents[3]
    program = root / "tests" / "db" / "messaging" / "sending_process.py"
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), database.url, str(box.port), cwd=root)
    started.append(process.pid)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    assert await outcomes(database) == [("email", None)]
    box.answer = lambda _envelope: "250 taken"
    successor = asyncio.create_task(sender_of(database, box).run())

    async def state() -> str:
        return (await contact(database, zhang)).state

    try:
        await becomes(state, lambda found: found == "finished")
    finally:
        successor.cancel()
    assert await outcomes(database) == [("email", "unknown")]
    assert len(box.mails) == 1


async def test_what_came_of_it_is_committed_with_it_or_not_at_all(database: Database, box: MailBox) -> None:
    """A fault while the campaign is told takes the record of the message back, too; then both are there."""
    faults = [ConnectionError("just then")]

    async def fail_once(_session: object, _message: OutboxMessage) -> None:
        if faults:
            raise faults.pop()

    zhang = await given_contact(database, await given_campaign(database, Channel.EMAIL))
    await write(database)
    mail = MailServer("127.0.0.1", box.port, "none", "hotline@hospital.example")
    sender = MessageSender(database, PBX, mail, NO_WEBHOOKS, tell=[handlers.on_message, fail_once])
    with pytest.raises(ConnectionError):
        await sender.send_due()
    assert await outcomes(database) == [("email", None)]
    assert [one.state for one in await outbox(database)] == ["sending"]
    running = asyncio.create_task(sender.run())  # as the engine does

    async def state() -> str:
        return (await contact(database, zhang)).state

    try:
        await becomes(state, lambda found: found == "finished")
    finally:
        running.cancel()
    assert (await outcomes(database), len(box.mails)) == ([("email", "sent")], 1)


async def test_two_engines_write_to_each_once(database: Database, box: MailBox) -> None:
    campaign_id = await given_campaign(database, Channel.EMAIL)
    for number in range(20):
        await given_contact(database, campaign_id, email=f"{number}@example.com", numbers=[], key=str(number))
    await dialer_of(database).prepare()
    await asyncio.gather(*(dialer_of(database).write() for _ in range(4)))
    senders = [sender_of(database, box) for _ in range(2)]
    while sum(await asyncio.gather(*(sender.send_due() for sender in senders))):
        pass
    assert sorted(mail["To"] for mail in box.mails) == sorted(f"{number}@example.com" for number in range(20))
    assert await outcomes(database) == [("email", "sent")] * 20
