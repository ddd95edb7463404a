"""What the ledger tells work orders; composed by the engine into calls.service.ingest."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.ledger import CelRecord
from callcenter.calls.derive import DerivedCall
from callcenter.calls.recordings import MeasuredRecording
from callcenter.workorders import service
from callcenter.workorders.models import MESSAGE


async def on_complaint(event: CelRecord, session: AsyncSession) -> None:
    """The caller was told that the call is recorded and complains now: the work order opens."""
    agent = event.payload.get("agent") or None
    await service.record_complaint(session, linkedid=event.linkedid, at=event.at, about_agent=agent)


async def on_message(event: CelRecord, session: AsyncSession) -> None:
    """The tone is about to sound: the message is somebody's work from now on, however the call ends."""
    said = event.payload
    number = int(said["number"])
    await service.record_message(
        session,
        linkedid=event.linkedid,
        at=event.at,
        queue_name=said["queue"],
        number=number,
        recording_file=variables.recording_file(MESSAGE, "", event.uniqueid, number),
    )


async def on_calls(calls: Sequence[DerivedCall], session: AsyncSession) -> None:
    """Number, patient or recording of a call became known."""
    await service.record_calls(session, calls)


async def on_measured(recordings: Sequence[MeasuredRecording], session: AsyncSession) -> None:
    """It is known what recordings hold."""
    await service.record_measured(session, recordings)


EVENT_HANDLERS = {variables.EVENT_COMPLAINT: on_complaint, variables.EVENT_MESSAGE: on_message}
