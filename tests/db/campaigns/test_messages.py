"""Campaigns that write: over a real mail server and a real gateway, from due to what became of it, once each."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from callcenter.asterisk.manager import AmiSession
from callcenter.callouts import do_not_call
from callcenter.campaigns import contacts, handlers, lifecycle, messages, placing
from callcenter.campaigns.contacts import NewContact
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.errors import InvalidCampaign
from callcenter.campaigns.governor import Limits
from callcenter.campaigns.models import (
    CampaignAttempt,
    CampaignContact,
    CampaignState,
    Channel,
    ContactDecision,
)
from callcenter.campaigns.placing import Dialling
from callcenter.campaigns.rules import Pacing, RetryRules, Windows
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.messaging import models as messaging
from callcenter.messaging import service
from callcenter.messaging.mail import MailServer
from callcenter.messaging.models import OutboxMessage, Report
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.sms import HttpSmsGateway
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender
from tests.support.mail_server import MailBox
from tests.support.people import HOME, PBX
from tests.support.polling import becomes
from tests.support.webhook_server import WebhookServer

PLAN = NumberPlan("CN", "0571")
NUMBER, MAIL = "+8613800000001", "zhang@example.com"
TEXTS: dict[str, Any] = {
    "email": {"subject": {"zh": "{name}的预约"}, "text": {"zh": "{name}您好，您预约了{when}。"}},
    "sms": {"zh": "{name}您好，您预约了{when}。", "template": "SMS_1"},
}
ALL_DAY = Windows(week=(("00:00-24:00",),) * 7, on_holidays=True)
KEY = "key-of-the-test"
NO_WEBHOOKS = WebhookSender(Allowed.of(Settings()), KEY)


@pytest.fixture(autouse=True)
async def hours(database: Database) -> None:
    async with database.transaction() as session:
        await lifecycle.put_limits(session, SYSTEM, Limits(quiet_from=24, quiet_until=0))


async def given_campaign(database: Database, *channels: Channel, **changed: Any) -> UUID:
    values: dict[str, Any] = {
        "name": "预约提醒",
        "kind": "reminder",
        "flow": "campaign_reminder",
        "caller_id": "8000",
        "texts": TEXTS,
        "channels": [channel.value for channel in channels],
        "priority": 0,
        "zone": "Asia/Shanghai",
        "windows": ALL_DAY.model_dump(mode="json"),
        "pacing": Pacing().model_dump(mode="json"),
        "retry": RetryRules().model_dump(mode="json"),
        "starts_at": now() - timedelta(days=1),
        "ends_at": now() + timedelta(days=30),
    }
    async with database.transaction() as session:
        campaign = await lifecycle.create_campaign(session, SYSTEM, values | changed, pbx=PBX, at=now())
        await lifecycle.set_state(session, SYSTEM, campaign.id, CampaignState.RUNNING, now())
        return campaign.id


async def given_contact(database: Database, campaign_id: UUID, **changed: Any) -> UUID:
    values: dict[str, Any] = {
        "key": f"key-{len(changed)}-{now().timestamp()}",
        "name": "张伟",
        "numbers": [NUMBER],
        "email": MAIL,
        "variables": {"when": "3月3日"},
    }
    one = NewContact(**(values | changed))
    async with database.transaction() as session:
        added = await contacts.add_contacts(session, SYSTEM, campaign_id, [one], plan=PLAN, at=now())
        assert added.added == 1, added.rejected
        found = select(CampaignContact.id).where(CampaignContact.key == one.key)
        return (await session.scalars(found)).one()


def dialer_of(database: Database) -> Dialer:
    """Of an engine whose Asterisk is away: what is written does without."""
    nowhere = AmiSession(host="127.0.0.1", port=1, username="nobody", secret="", name="commands")
    return Dialer(database, nowhere, PBX, HOME, PLAN)


async def write(database: Database) -> None:
    dialer = dialer_of(database)
    await dialer.prepare()
    await dialer.write()


def sender_of(database: Database, box: MailBox | None = None, hook: WebhookServer | None = None) -> MessageSender:
    mail = MailServer("127.0.0.1", box.port, "none", "hotline@hospital.example") if box else None
    sms = HttpSmsGateway(f"http://127.0.0.1:{hook.port}/", KEY, total_seconds=2.0) if hook else None
    return MessageSender(database, PBX, mail, NO_WEBHOOKS, sms=sms, tell=[handlers.on_message])


async def contact(database: Database, contact_id: UUID) -> CampaignContact:
    async with database.transaction() as session:
        return await session.get_one(CampaignContact, contact_id)


async def stands(database: Database, contact_id: UUID) -> tuple[str, str | None, str | None]:
    one = await contact(database, contact_id)
    return one.state, one.result, one.reason


async def attempts(database: Database) -> Sequence[CampaignAttempt]:
    async with database.transaction() as session:
        return (await session.scalars(select(CampaignAttempt).order_by(CampaignAttempt.claimed_at))).all()


async def outcomes(database: Database) -> list[tuple[str, str | None]]:
    return [(one.channel, one.outcome) for one in await attempts(database)]


async def outbox(database: Database) -> Sequence[OutboxMessage]:
    async with database.transaction() as session:
        return (await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))).all()


async def become_due(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(OutboxMessage).values(due_at=now() - timedelta(seconds=1)))
        due = update(CampaignContact).where(CampaignContact.state == "waiting")
        await session.execute(due.values(next_at=now() - timedelta(seconds=1)))


async def report(database: Database, word: Report) -> None:
    number = (await outbox(database))[-1].id
    async with database.transaction() as session:
        await service.record_report(session, f"{PBX}.{number}", word, now(), tell=[handlers.on_message])


async def alarm_kinds(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm.kind)))


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


# -- who is not written to, and when


async def test_outside_the_hours_and_in_the_quiet_ones_it_waits(database: Database) -> None:
    closed = Windows(week=((),) * 7, on_holidays=True).model_dump(mode="json")
    late = await given_contact(database, await given_campaign(database, Channel.EMAIL, windows=closed))
    await write(database)
    assert await stands(database, late) == ("finished", "unreachable", "too_late")  # they never open
    hour = now().astimezone(HOME.zone).hour
    quiet = {"quiet_from": 24, "quiet_until": hour + 1} if hour < 23 else {"quiet_from": 23, "quiet_until": 0}
    async with database.transaction() as session:
        await lifecycle.put_limits(session, SYSTEM, Limits(**quiet))
    asleep = await given_contact(database, await given_campaign(database, Channel.EMAIL))
    await write(database)
    assert await stands(database, asleep) == ("waiting", None, "quiet_hours")
    assert await outbox(database) == []


async def test_what_is_held_up_is_not_sent_after_the_hours(database: Database, hook: WebhookServer) -> None:
    """And it is written again when they open: nobody has read anything."""
    campaign_id = await given_campaign(database, Channel.SMS)
    zhang = await given_contact(database, campaign_id)
    await write(database)
    (message,) = await outbox(database)
    midnight = datetime.combine(now().astimezone(HOME.zone).date() + timedelta(days=1), datetime.min.time(), HOME.zone)
    assert message.expires_at == midnight.astimezone(UTC)
    async with database.transaction() as session:
        await session.execute(update(OutboxMessage).values(expires_at=now()))
    sender = sender_of(database, hook=hook)
    await sender.send_due()
    assert hook.requests == []
    assert await outcomes(database) == [("sms", "not_placed")]
    assert await stands(database, zhang) == ("waiting", None, "not_placed")
    await become_due(database)
    await write(database)
    await sender.send_due()
    assert await outcomes(database) == [("sms", "not_placed"), ("sms", "sent")]


async def test_who_wants_no_calls_gets_no_messages(database: Database) -> None:
    other, second, willing = "+8613800000002", "+8613800000003", "+8613800000004"
    mails, texts = await given_campaign(database, Channel.EMAIL), await given_campaign(database, Channel.SMS)
    async with database.transaction() as session:
        for number in (NUMBER, second):
            await do_not_call.add_entry(session, SYSTEM, number, reason="asked", until=None, call_id=None, at=now())
    unwilling = await given_contact(database, mails)
    partly = await given_contact(database, mails, numbers=[other, NUMBER], email="b@example.com", key="partly")
    text_refused = await given_contact(database, texts)
    text_otherwise = await given_contact(database, texts, numbers=[second, willing], key="otherwise")
    await write(database)
    assert await stands(database, unwilling) == ("finished", "refused", "do_not_call")
    assert (await contact(database, partly)).state == "dialling"
    assert await stands(database, text_refused) == ("finished", "refused", "do_not_call")
    one = await contact(database, text_otherwise)
    assert (one.state, one.next_number) == ("waiting", 1)
    assert {message.target for message in await outbox(database)} == {"b@example.com"}


async def test_a_text_that_lacks_something_is_not_written(database: Database) -> None:
    zhang = await given_contact(database, await given_campaign(database, Channel.EMAIL), variables={})
    await write(database)
    assert await stands(database, zhang) == ("finished", "failed", "unknown_variable")


async def test_at_most_so_many_are_under_way(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server nothing moves on: the rest waits with its contacts, not in the outbox."""
    monkeypatch.setattr(messages, "MOST_UNDER_WAY", 3)
    campaign_id = await given_campaign(database, Channel.EMAIL)
    for number in range(5):
        await given_contact(database, campaign_id, email=f"{number}@example.com", numbers=[], key=str(number))
    for _ in range(2):
        await write(database)
    assert len(await outbox(database)) == 3


async def test_each_channel_takes_its_own_by_the_index(database: Database) -> None:
    campaign_id = await given_campaign(database, Channel.TELEPHONE, Channel.EMAIL)
    await given_contact(database, campaign_id)
    await write(database)
    assert await outbox(database) == []
    await given_contact(database, campaign_id, numbers=[], email="b@example.com", key="by mail alone")
    await dialer_of(database).prepare()
    async with database.transaction() as session:
        campaign = await lifecycle.get_campaign(session, campaign_id)
        dialling = Dialling(PBX, HOME, PLAN, Limits(quiet_from=24, quiet_until=0), {})
        assert await placing.place_due(session, campaign, dialling, now(), limit=10) == 1
    assert await outcomes(database) == [("telephone", None)]
    await write(database)
    assert {(one.channel, one.address) for one in await attempts(database)} == {
        ("telephone", NUMBER),
        ("email", "b@example.com"),
    }
    plan = text(
        "EXPLAIN SELECT * FROM campaign_contacts WHERE campaign_id = CAST(:campaign AS uuid) AND next_channel = 'email'"
        " AND state = 'waiting' AND next_at <= now() ORDER BY next_at LIMIT 100 FOR UPDATE SKIP LOCKED"
    )
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        lines = "\n".join(await session.scalars(plan, {"campaign": str(campaign_id)}))
    assert "ix_campaign_contacts_due" in lines
    assert "Sort" not in lines


# -- staff


@pytest.mark.parametrize(("channel", "missing"), [(Channel.EMAIL, "email"), (Channel.SMS, "sms")])
async def test_nothing_to_write_nothing_to_start(database: Database, channel: Channel, missing: str) -> None:
    texts = {name: value for name, value in TEXTS.items() if name != missing}
    with pytest.raises(InvalidCampaign) as refused:
        await given_campaign(database, channel, texts=texts)
    assert refused.value.details["reason"] == "texts"


@pytest.mark.parametrize("how", ["pause", "cancel", "withdraw"])
async def test_what_is_stopped_before_it_is_sent_is_not_sent(database: Database, hook: WebhookServer, how: str) -> None:
    campaign_id = await given_campaign(database, Channel.SMS)
    zhang = await given_contact(database, campaign_id)
    hook.answer = lambda _request: ("503 busy",)
    sender = sender_of(database, hook=hook)
    await write(database)
    await sender.send_due()
    async with database.transaction() as session:
        if how == "withdraw":
            await contacts.withdraw_contact(session, SYSTEM, campaign_id, zhang, at=now())
        else:
            state = CampaignState.PAUSED if how == "pause" else CampaignState.CANCELLED
            await lifecycle.set_state(session, SYSTEM, campaign_id, state, now())
    hook.answer = lambda _request: ("200 OK",)
    await sender.send_due()
    await write(database)
    assert await sender.send_due() == 0
    assert len(hook.requests) == 1
    assert await outcomes(database) == [("sms", "not_placed")]
    if how == "withdraw":
        assert (await contact(database, zhang)).result == "withdrawn"
    if how == "pause":
        assert (await contact(database, zhang)).state == "waiting"
        async with database.transaction() as session:
            await lifecycle.set_state(session, SYSTEM, campaign_id, CampaignState.RUNNING, now())
        await become_due(database)
        await write(database)
        await sender.send_due()
        assert await stands(database, zhang) == ("finished", "reached", "sent")


async def test_nothing_of_a_person_is_logged(
    database: Database, box: MailBox, hook: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    box.refused = frozenset({MAIL})
    await given_contact(database, await given_campaign(database, Channel.EMAIL, Channel.SMS))
    sender = sender_of(database, box, hook)
    for _ in range(2):
        await write(database)
        await sender.send_due()
    assert len(hook.requests) == 1
    said = "".join(capsys.readouterr())
    assert "message_tried" in said
    assert not any(secret in said for secret in (MAIL, NUMBER, NUMBER[3:], "张伟", "3月3日"))
