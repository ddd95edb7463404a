"""Live telephony events of listening: the boards show who listens to whom."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.consumer import Handler
from callcenter.asterisk.events import ChanSpyStart, ChanSpyStop, Event
from callcenter.supervision import listening


async def on_chan_spy_start(event: ChanSpyStart, session: AsyncSession) -> None:
    """A supervisor's telephone was answered."""
    await listening.note_begun(session, event.spyer_uniqueid)


async def on_chan_spy_stop(event: ChanSpyStop, session: AsyncSession) -> None:
    """The supervisor has hung up, the conversation is over, or they have taken it over."""
    await listening.note_ended(session, event.spyer_uniqueid)


HANDLERS: Mapping[type[Event], Handler] = {ChanSpyStart: on_chan_spy_start, ChanSpyStop: on_chan_spy_stop}
