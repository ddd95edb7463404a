"""The outbox: what is to be told to somebody outside is committed with the reason for it, and sent afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.alarms import raise_alarm
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.messaging import queries
from callcenter.messaging.models import Channel, MessageState, OutboxMessage
from callcenter.messaging.retry_policy import Outcome, Tried, after_try

TOPIC = "outbox"
"""On the bus: ids of messages that are to be sent."""
ALARM = "message_not_delivered"
_LONGEST_ANSWER = 300


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
    at = now()
    message = OutboxMessage(
        channel=channel,
        target=target,
        subject=subject,
        content=dict(content),
        purpose=purpose,
        reference=reference,
        state=MessageState.PENDING,
        attempts=0,
        created_at=at,
        due_at=at,
    )
    session.add(message)
    await session.flush()
    await announce(session, TOPIC, [str(message.id)])
    return message


async def record_try(session: AsyncSession, message: OutboxMessage, tried: Tried, at: datetime) -> None:
    """What came of a try, and what comes of it. An alarm for what nobody will get."""
    following = after_try(
        tried.outcome, Channel(message.channel), attempts=message.attempts, created_at=message.created_at, at=at
    )
    message.state, message.answer = following.state, tried.answer[:_LONGEST_ANSWER]
    if following.due_at is not None:
        message.due_at = following.due_at
        return
    message.finished_at = at
    if following.state is not MessageState.SENT:
        await raise_alarm(
            session,
            ALARM,
            key=f"{message.channel}:{following.state}",
            channel=message.channel,
            state=following.state.value,
            message_id=message.id,
        )


async def settle(session: AsyncSession, claimed_by: str, at: datetime) -> int:
    """What a sender left in the middle when it died: nobody knows whether it arrived. Returns how many there were."""
    left = await queries.lock_sending(session, claimed_by)
    for message in left:
        await record_try(session, message, Tried(Outcome.NO_ANSWER, "the sender ended before the answer"), at)
    return len(left)
