"""Campaigns that write: whom they do not write to, when not, and what is stopped before it is sent."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from callcenter.callouts import do_not_call
from callcenter.campaigns import contacts, lifecycle, messages, placing
from callcenter.campaigns.errors import InvalidCampaign
from callcenter.campaigns.governor import Limits
from callcenter.campaigns.models import CampaignState, Channel
from callcenter.campaigns.placing import Dialling
from callcenter.campaigns.rules import Windows
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.messaging.models import OutboxMessage
from tests.support.campaign_messages import (
    MAIL,
    NUMBER,
    PLAN,
    TEXTS,
    attempts,
    become_due,
    call_around_the_clock,
    contact,
    dialer_of,
    given_campaign,
    given_contact,
    outbox,
    outcomes,
    sender_of,
    stands,
    write,
)
from tests.support.mail_server import MailBox
from tests.support.people import HOME, PBX
from tests.support.webhook_server import WebhookServer


@pytest.fixture(autouse=True)
async def hours(database: Database) -> None:
    await call_around_the_clock(database)


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
