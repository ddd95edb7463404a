"""The outbox: what is to be told to somebody outside is committed with the reason for it, and sent afterwards."""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.alarms import raise_alarm
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.messaging import queries
from callcenter.messaging.models import Channel, MessageState, OutboxMessage, Report
from callcenter.messaging.retry_policy import Outcome, Tried, after_try

TOPIC = "outbox"
"""On the bus: ids of messages that are to be sent."""
ALARM = "message_not_delivered"
_LONGEST_ANSWER = 300
_DELIVERY = re.compile(r"[a-z][a-z0-9]{0,15}\.([1-9][0-9]{0,17})")

Told = Callable[[AsyncSession, OutboxMessage], Awaitable[None]]
"""Is told of each message that is over, and again when a report of it comes, in the transaction that records it."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """``is_private``: to a patient. ``expires_at``: not sent from then on."""

    channel: Channel
    target: str
    content: Mapping[str, Any]
    purpose: str
    reference: str
    subject: str = ""
    is_private: bool = field(default=False, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True)


async def request_message(
    session: AsyncSession,
    channel: Channel,
    target: str,
    *,
    subject: str = "",
    content: Mapping[str, Any],
    purpose: str,
    reference: str,
) -> OutboxMessage:
    """It is sent when this transaction is committed, and not before. Nothing about a patient may stand in it."""
    (message,) = await request_messages(session, [NewMessage(channel, target, content, purpose, reference, subject)])
    return message


async def request_messages(session: AsyncSession, wanted: Sequence[NewMessage]) -> Sequence[OutboxMessage]:
    """They are sent when this transaction is committed, and not before."""
    at = now()
    messages = [
        OutboxMessage(
            channel=one.channel,
            target=one.target,
            subject=one.subject,
            content=dict(one.content),
            purpose=one.purpose,
            reference=one.reference,
            is_private=one.is_private,
            expires_at=one.expires_at,
            token=secrets.token_hex(16) if one.is_private and one.channel is Channel.MAIL else "",
            report=None,
            state=MessageState.PENDING,
            attempts=0,
            created_at=at,
            due_at=at,
        )
        for one in wanted
    ]
    session.add_all(messages)
    await session.flush()
    await announce(session, TOPIC, [str(message.id) for message in messages])
    return messages


async def record_try(
    session: AsyncSession, message: OutboxMessage, tried: Tried, at: datetime, *, tell: Sequence[Told] = ()
) -> None:
    """What came of a try, and what comes of it. An alarm for what nobody will get."""
    following = after_try(
        Outcome.TAKEN if message.report is not None else tried.outcome,  # who reports of it has taken it
        Channel(message.channel),
        attempts=message.attempts,
        created_at=message.created_at,
        at=at,
        expires_at=message.expires_at,
    )
    message.state, message.answer = following.state, tried.answer[:_LONGEST_ANSWER]
    if following.due_at is not None:
        message.due_at = following.due_at
        return
    if _is_worth_an_alarm(message, tried):
        await raise_alarm(
            session,
            ALARM,
            key=f"{message.channel}:{following.state}",
            channel=message.channel,
            state=following.state.value,
            message_id=message.id,
        )
    await _end(session, message, at, tell)


def _is_worth_an_alarm(message: OutboxMessage, tried: Tried) -> bool:
    """That one patient's address is refused, or one answer lost, is told by the campaign; that we cannot send, here."""
    if message.state == MessageState.SENT:
        return False
    return not message.is_private or tried.outcome is Outcome.NOT_NOW


async def _end(session: AsyncSession, message: OutboxMessage, at: datetime, tell: Sequence[Told]) -> None:
    message.finished_at = at
    if message.is_private:  # what was said to whom stays with the campaign, where reading it is audited
        message.target, message.subject, message.content = "", "", {}
    for told in tell:
        await told(session, message)


async def expire_messages(session: AsyncSession, purpose: str, references: Sequence[str], at: datetime) -> None:
    """The time of these messages is over: what is not sent yet will not be, which the sender then records."""
    if references:
        await queries.expire(session, purpose, references, at)
        await announce(session, TOPIC, references)


async def record_report(
    session: AsyncSession,
    delivery: str,
    report: Report,
    at: datetime,
    *,
    channel: Channel = Channel.SMS,
    token: str = "",
    tell: Sequence[Told] = (),
) -> None:
    """What is said of a message that was taken. The first word counts; of a message nobody knows, none does.

    ``token``: of a mail's report, where anybody may write; a gateway signs. A report may come before our own record of
    the sending: then that is how we know that the message was taken.
    """
    found = _DELIVERY.fullmatch(delivery)
    message = await queries.lock_message(session, int(found[1]), channel) if found else None
    if message is None or message.attempts == 0 or message.report is not None:
        return
    if not hmac.compare_digest(message.token.encode(), token.encode()):
        return
    message.report = report
    if message.state == MessageState.PENDING:
        message.state = MessageState.SENT
        await _end(session, message, at, tell)
    elif message.state != MessageState.SENDING:
        for told in tell:
            await told(session, message)


async def settle(session: AsyncSession, claimed_by: str, at: datetime, *, tell: Sequence[Told] = ()) -> int:
    """What a sender left in the middle when it died: nobody knows whether it arrived. Returns how many there were."""
    left = await queries.lock_sending(session, claimed_by)
    for message in left:
        tried = Tried(Outcome.NO_ANSWER, "the sender ended before the answer")
        await record_try(session, message, tried, at, tell=tell)
    return len(left)
