"""All SQL of the outbox."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.core.conditions import one_of
from callcenter.messaging.models import Channel, MessageState, OutboxMessage


async def claim_due(session: AsyncSession, *, at: datetime, claimed_by: str, limit: int) -> Sequence[OutboxMessage]:
    """Take what is due and nobody else takes: from now on it is being sent.

    Webhooks to one target about one thing follow one another: the next when the one before is over.
    """
    before = aliased(OutboxMessage)
    overtakes = exists().where(
        OutboxMessage.channel == Channel.WEBHOOK,
        before.channel == Channel.WEBHOOK,
        before.purpose == OutboxMessage.purpose,
        before.reference == OutboxMessage.reference,
        before.target == OutboxMessage.target,
        before.id < OutboxMessage.id,
        before.state.in_((MessageState.PENDING, MessageState.SENDING)),
    )
    due = (
        select(OutboxMessage.id)
        .where(OutboxMessage.state == MessageState.PENDING, OutboxMessage.due_at <= at, ~overtakes)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxMessage)
    )
    claimed = (
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(due))
        .values(state=MessageState.SENDING, claimed_by=claimed_by, attempts=OutboxMessage.attempts + 1)
        .returning(OutboxMessage)
    )
    return (await session.scalars(claimed)).all()


async def lock_sending(
    session: AsyncSession, claimed_by: str, *, message_id: int | None = None, attempts: int | None = None
) -> Sequence[OutboxMessage]:
    """What this one is sending, or left behind when it died; or one of these, unless somebody has settled it."""
    query = select(OutboxMessage).where(
        OutboxMessage.state == MessageState.SENDING, OutboxMessage.claimed_by == claimed_by
    )
    if message_id is not None:
        query = query.where(OutboxMessage.id == message_id, OutboxMessage.attempts == attempts)
    return (await session.scalars(query.order_by(OutboxMessage.id).with_for_update())).all()


async def list_about(session: AsyncSession, purpose: str, reference: str) -> Sequence[OutboxMessage]:
    """All that was told about one thing, oldest first."""
    query = select(OutboxMessage).where(OutboxMessage.purpose == purpose, OutboxMessage.reference == reference)
    return (await session.scalars(query.order_by(OutboxMessage.id))).all()


async def lock_message(session: AsyncSession, message_id: int, channel: Channel) -> OutboxMessage | None:
    query = select(OutboxMessage).where(OutboxMessage.id == message_id, OutboxMessage.channel == channel)
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).one_or_none()


async def expire(session: AsyncSession, purpose: str, references: Collection[str], at: datetime) -> None:
    """Their time is over, and whoever sends sees that now; what is being sent ends as it ends."""
    not_over = OutboxMessage.state.in_((MessageState.PENDING, MessageState.SENDING))
    of_these = (OutboxMessage.purpose == purpose, one_of(OutboxMessage.reference, references), not_over)
    await session.execute(update(OutboxMessage).where(*of_these).values(expires_at=at, due_at=at))
