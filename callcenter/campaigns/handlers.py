"""What the ledger and the outbox tell campaigns; composed by the engine into what reads the one and sends the other."""

from collections.abc import Awaitable

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.asterisk.ledger import CelRecord
from callcenter.callouts.policy import Home
from callcenter.campaigns import messages, placing, unsent
from callcenter.core.clock import now
from callcenter.core.config import get_settings
from callcenter.messaging.models import OutboxMessage


def on_call_end(event: CelRecord, session: AsyncSession) -> Awaitable[None] | None:
    """The last channel of a call is gone. Of most calls that is none of ours."""
    if kind_of_dial(event.linkedid) is not DialKind.CAMPAIGN:
        return None
    return placing.settle(session, event.linkedid, event.at, Home.of(get_settings()))


async def on_message(session: AsyncSession, message: OutboxMessage) -> None:
    """A message is over, or its gateway reported of it."""
    if message.purpose == unsent.PURPOSE:
        await messages.settle(session, message, now(), Home.of(get_settings()))


EVENT_HANDLERS = {"LINKEDID_END": on_call_end}
