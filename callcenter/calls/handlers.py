"""What the ledger tells at once, while the call goes on; composed by the engine into calls.service.ingest."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.ledger import CelRecord
from callcenter.calls import service
from callcenter.core.alarms import raise_alarm

EMERGENCY = "emergency"


async def on_emergency(event: CelRecord, session: AsyncSession) -> None:
    """Somebody needs help now: an alarm, one per call however often the key is pressed."""
    call_id = await service.find_call_id(session, event.linkedid) or event.linkedid
    said = event.payload
    await raise_alarm(
        session,
        EMERGENCY,
        key=call_id,
        severity="critical",
        call_id=call_id,
        patient_id=str(UUID(said["patient"])) if said.get("patient") else None,
        verified=said.get("verified") == "1",
    )


EVENT_HANDLERS = {variables.EVENT_EMERGENCY: on_emergency}
