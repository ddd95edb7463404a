"""What is written and not sent yet, when staff say stop. Below all that places attempts: stopping needs none of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import queries
from callcenter.messaging.service import expire_messages

PURPOSE = "campaign"
"""Of messages in the outbox; their reference is the attempt's id."""


async def stop(session: AsyncSession, campaign_id: UUID, at: datetime, *, contact_id: UUID | None = None) -> None:
    """What is requested and not sent yet stays unsent: of a campaign, or of one contact in it."""
    await expire_messages(session, PURPOSE, await queries.list_open_messages(session, campaign_id, contact_id), at)
