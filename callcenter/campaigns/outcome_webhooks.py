"""Whoever asked for it is told of every attempt by a signed webhook: what came of it, and what is next.

Those about one contact come one after the other. No name, number or patient stands in them: the key is the asker's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.models import Campaign, CampaignAttempt, CampaignContact
from callcenter.messaging.models import Channel
from callcenter.messaging.service import NewMessage, request_messages

PURPOSE = "campaign_outcome"


@dataclass(frozen=True, slots=True)
class Over:
    """An attempt that is over, or of which something new was heard, as its contact now stands."""

    campaign: Campaign
    contact: CampaignContact
    attempt: CampaignAttempt


async def tell(session: AsyncSession, news: Sequence[Over]) -> None:
    """With this transaction, those whose campaign has somebody to be told."""
    wanted = [
        NewMessage(Channel.WEBHOOK, one.campaign.report_to, _body(one), PURPOSE, str(one.contact.id))
        for one in news
        if one.campaign.report_to
    ]
    if wanted:
        await request_messages(session, wanted)


def _body(one: Over) -> dict[str, Any]:
    contact, attempt = one.contact, one.attempt
    return {
        "event": "attempt",
        "campaign_id": str(one.campaign.id),
        "contact_id": str(contact.id),
        "key": contact.key,
        "attempt_id": attempt.id,
        "attempt": attempt.number,
        "channel": attempt.channel,
        "outcome": attempt.outcome,
        "ended_at": attempt.ended_at.isoformat() if attempt.ended_at else None,
        "state": contact.state,
        "status": contact.status,
        "result": contact.result,
        "reason": contact.reason,
        "next_at": contact.next_at.isoformat() if contact.next_at else None,
    }
