"""The note on a call, which its agents share: every version is kept, nobody writes over what they have not read."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor, record_audit
from callcenter.desk import record_queries
from callcenter.desk.errors import NoteChanged
from callcenter.desk.models import CallNote
from callcenter.desk.own_calls import OwnCall


async def put_note(
    session: AsyncSession,
    actor: Actor,
    call: OwnCall,
    *,
    text: str,
    version: int,
    agent_number: str | None,
    at: datetime,
) -> CallNote:
    """``version``: the one that was read (0: none was there). The same text again makes none. Raises NoteChanged."""
    present = await record_queries.find_note(session, call.ids)
    present_version = present.version if present else 0
    if version != present_version:
        raise NoteChanged(version=present_version)
    if present is not None and present.text == text:
        return present
    values: dict[str, object] = {
        "call_id": present.call_id if present else call.id,
        "version": version + 1,
        "text": text,
        "written_at": at,
        "written_by": actor.name,
        "agent_number": agent_number,
    }
    note = await record_queries.insert_note(session, values)
    if note is None:  # somebody wrote at the same moment
        raise NoteChanged(version=version + 1)
    record_audit(session, actor, "calls.put_note", subject_id=call.id, version=note.version)
    return note
