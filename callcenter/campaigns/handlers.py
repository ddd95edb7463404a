"""What the ledger and the outbox tell campaigns; composed by the engine into what reads the one and sends the other."""

from collections.abc import Awaitable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.asterisk.ledger import CelRecord
from callcenter.callouts.policy import Home
from callcenter.campaigns import messages, settling, unsent
from callcenter.core.clock import now
from callcenter.core.config import get_settings
from callcenter.messaging.models import OutboxMessage

_OURS = frozenset({DialKind.CAMPAIGN, DialKind.PREVIEW})


def on_ends(ends: Sequence[CelRecord], session: AsyncSession) -> Awaitable[None] | None:
    """The last channels of these calls are gone. Most of them are none of ours."""
    ours = {end.linkedid: end.at for end in ends if kind_of_dial(end.linkedid) in _OURS}
    return settling.settle(session, ours, Home.of(get_settings())) if ours else None


async def on_message(session: AsyncSession, message: OutboxMessage) -> None:
    """A message is over, or its gateway reported of it."""
    if message.purpose == unsent.PURPOSE:
        await messages.settle(session, message, now(), Home.of(get_settings()))
