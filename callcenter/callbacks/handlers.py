"""What the ledger tells call-backs; composed by the engine into calls.service.ingest."""

from collections.abc import Awaitable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord
from callcenter.callbacks import placing
from callcenter.callbacks.placing import Served, is_attempt_id
from callcenter.calls.derive import DerivedCall


def on_ends(ends: Sequence[CelRecord], session: AsyncSession) -> Awaitable[None] | None:
    """The last channels of these calls are gone. Most of them are none of ours."""
    ours = [end for end in ends if is_attempt_id(end.linkedid)]
    return _settle(ours, session) if ours else None


async def _settle(ends: Sequence[CelRecord], session: AsyncSession) -> None:
    for end in ends:
        await placing.settle(session, end.linkedid, end.at)


def on_calls(calls: Sequence[DerivedCall], session: AsyncSession) -> Awaitable[None] | None:
    """Somebody who waits for a call-back may have phoned again and been answered."""
    served = [
        Served(call.caller_number, visit.queue_name, visit.answered_at)
        for call in calls
        if call.direction == "inbound" and call.caller_number
        for visit in call.visits
        if visit.answered_at is not None
    ]
    return placing.record_served(session, served) if served else None
