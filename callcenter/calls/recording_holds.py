"""Legal holds: who asked, and why, that a recording is not deleted in its time."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.errors import RecordingDeleted, RecordingHeld, RecordingNotHeld
from callcenter.calls.models import Recording
from callcenter.calls.recording_models import RecordingHold
from callcenter.calls.recordings import RecordingScope, get_recording
from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now


async def place_hold(
    session: AsyncSession, actor: Actor, recording_id: int, scope: RecordingScope, reason: str
) -> RecordingHold:
    """From now on retention leaves it alone. Raises RecordingNotFound, RecordingDeleted, RecordingHeld."""
    await _lock(session, recording_id, scope)
    if await find_hold(session, recording_id) is not None:
        raise RecordingHeld(recording_id=recording_id)
    hold = RecordingHold(recording_id=recording_id, reason=reason, placed_at=now(), placed_by=actor.name)
    session.add(hold)
    await session.flush()
    record_audit(session, actor, "recordings.hold", subject_id=str(recording_id))
    return hold


async def release_hold(
    session: AsyncSession, actor: Actor, recording_id: int, scope: RecordingScope, reason: str
) -> RecordingHold:
    """Retention counts again. Raises RecordingNotFound, RecordingDeleted, RecordingNotHeld."""
    await _lock(session, recording_id, scope)
    hold = await find_hold(session, recording_id)
    if hold is None:
        raise RecordingNotHeld(recording_id=recording_id)
    hold.released_at, hold.released_by, hold.release_reason = now(), actor.name, reason
    record_audit(session, actor, "recordings.release_hold", subject_id=str(recording_id))
    return hold


async def find_hold(session: AsyncSession, recording_id: int) -> RecordingHold | None:
    """The one that holds now."""
    query = select(RecordingHold).where(RecordingHold.recording_id == recording_id, RecordingHold.released_at.is_(None))
    return (await session.scalars(query)).one_or_none()


async def list_holds(session: AsyncSession, recording_id: int) -> Sequence[RecordingHold]:
    """All there ever were, newest first."""
    query = select(RecordingHold).where(RecordingHold.recording_id == recording_id).order_by(RecordingHold.id.desc())
    return (await session.scalars(query)).all()


async def _lock(session: AsyncSession, recording_id: int, scope: RecordingScope) -> None:
    """Retention locks a recording too before it deletes it."""
    recording = (await get_recording(session, recording_id, scope)).recording
    locked = await session.get_one(Recording, recording.file, with_for_update=True, populate_existing=True)
    if locked.deleted_at is not None:
        raise RecordingDeleted(deleted_at=locked.deleted_at.isoformat())
