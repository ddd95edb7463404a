"""A campaign that writes, and what hands its messages over."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from callcenter.asterisk.manager import AmiSession
from callcenter.campaigns import contacts, handlers, lifecycle
from callcenter.campaigns.contacts import NewContact
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.governor import Limits
from callcenter.campaigns.models import CampaignAttempt, CampaignContact, CampaignState, Channel
from callcenter.campaigns.rules import Pacing, RetryRules, Windows
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.messaging import service
from callcenter.messaging.mail import MailServer
from callcenter.messaging.models import OutboxMessage, Report
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.sms import HttpSmsGateway
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender
from tests.support.mail_server import MailBox
from tests.support.people import HOME, PBX
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


async def call_around_the_clock(database: Database) -> None:
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
