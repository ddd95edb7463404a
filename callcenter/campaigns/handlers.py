"""What the ledger tells campaigns; composed by the engine into calls.service.ingest."""

from collections.abc import Awaitable

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.asterisk.ledger import CelRecord
from callcenter.callouts.policy import Home
from callcenter.campaigns import placing
from callcenter.core.config import get_settings


def on_call_end(event: CelRecord, session: AsyncSession) -> Awaitable[None] | None:
    """The last channel of a call is gone. Of most calls that is none of ours."""
    if kind_of_dial(event.linkedid) is not DialKind.CAMPAIGN:
        return None
    return placing.settle(session, event.linkedid, event.at, Home.of(get_settings()))


EVENT_HANDLERS = {"LINKEDID_END": on_call_end}
