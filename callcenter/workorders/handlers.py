"""What the ledger tells work orders; composed by the engine into calls.service.ingest."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.ledger import CelRecord
from callcenter.calls.derive import DerivedCall
from callcenter.workorders import service


async def on_complaint(event: CelRecord, session: AsyncSession) -> None:
    """The caller was told that the call is recorded and complains now: the work order opens."""
    await service.record_complaint(session, linkedid=event.linkedid, at=event.at)


async def on_calls(calls: Sequence[DerivedCall], session: AsyncSession) -> None:
    """Number, patient or recording of a call became known."""
    await service.record_calls(session, calls)


EVENT_HANDLERS = {variables.EVENT_COMPLAINT: on_complaint}
