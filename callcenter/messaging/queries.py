"""All SQL of the outbox."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.messaging.models import MessageState, OutboxMessage


async def claim_due(session: AsyncSession, *, at: datetime, claimed_by: str, limit: int) -> Sequence[OutboxMessage]:
    """Take what is due and nobody else takes: from now on it is being sent."""
    due = (
        select(OutboxMessage.id)
        .where(OutboxMessage.state == MessageState.PENDING, OutboxMessage.due_at <= at)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
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
