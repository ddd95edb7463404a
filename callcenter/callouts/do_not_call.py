"""Numbers, and persons, that are not to be called: kept with who said so, until when, and who took it back.

What dials by itself (call-backs, campaigns) never dials such a number; a member of staff is warned and must confirm
(callcenter.callouts.service.CallOut). No campaign calls such a person, at whichever number, or writes to them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts.errors import DoNotCallEntryNotFound, DoNotCallEntryOver, OnDoNotCallList
from callcenter.callouts.models import DoNotCallEntry
from callcenter.core.audit import Actor, record_audit
from callcenter.core.conditions import id_one_of, one_of

Whom = str | UUID
"""A number (E.164), or a person: a patient by id."""


def _counts(at: datetime) -> ColumnElement[bool]:
    return DoNotCallEntry.removed_at.is_(None) & or_(DoNotCallEntry.until.is_(None), DoNotCallEntry.until > at)


def _is_of(whom: Whom) -> ColumnElement[bool]:
    return DoNotCallEntry.patient_id == whom if isinstance(whom, UUID) else DoNotCallEntry.e164 == whom


async def find_entry(session: AsyncSession, whom: Whom, at: datetime) -> DoNotCallEntry | None:
    """What counts at ``at``; by the unique indexes."""
    return (await session.scalars(select(DoNotCallEntry).where(_is_of(whom), _counts(at)))).one_or_none()


async def list_listed(session: AsyncSession, numbers: Collection[str], at: datetime) -> set[str]:
    """Those of these numbers that are on the list."""
    query = select(DoNotCallEntry.e164).where(one_of(DoNotCallEntry.e164, numbers), _counts(at))
    return {number for number in await session.scalars(query) if number is not None}


async def list_unwilling(session: AsyncSession, patient_ids: Collection[UUID], at: datetime) -> set[UUID]:
    """Those of these persons who are on the list."""
    query = select(DoNotCallEntry.patient_id).where(id_one_of(DoNotCallEntry.patient_id, patient_ids), _counts(at))
    return {patient_id for patient_id in await session.scalars(query) if patient_id is not None}


async def require_callable(
    session: AsyncSession, e164: str, patient_id: UUID | None, at: datetime, *, confirmed: bool
) -> None:
    """Raises OnDoNotCallList, unless who asks has ``confirmed`` that they want to call all the same.

    ``patient_id``: whose number it is, where that is known.
    """
    entry = None if confirmed else await find_entry(session, e164, at)
    if entry is None and patient_id is not None and not confirmed:
        entry = await find_entry(session, patient_id, at)
    if entry is not None:
        raise OnDoNotCallList(since=entry.added_at.isoformat())


async def add_entry(
    session: AsyncSession,
    actor: Actor,
    whom: Whom,
    *,
    reason: str,
    until: datetime | None,
    call_id: str | None,
    at: datetime,
) -> tuple[DoNotCallEntry, bool]:
    """The entry, and whether it is new: one that counts already is changed to the new reason and end."""
    entry = await _find_open(session, whom)
    is_new = False
    if entry is not None and entry.until is not None and entry.until <= at:
        entry.removed_at, entry.removed_by, entry.removal_reason = entry.until, actor.name, "expired"
        await session.flush()
        entry = None
    if entry is None:
        of_whom = {"patient_id": whom} if isinstance(whom, UUID) else {"e164": whom}
        entry = DoNotCallEntry(**of_whom, added_at=at)
        is_new = True
    entry.reason, entry.until, entry.call_id, entry.added_by = reason, until, call_id, actor.name
    try:
        async with session.begin_nested():
            session.add(entry)
    except IntegrityError:  # the same, at the same moment
        found = await _find_open(session, whom)
        if found is None:
            raise
        return found, False
    record_audit(session, actor, "callouts.add_do_not_call", subject_id=str(entry.id), is_new=is_new)
    return entry, is_new


async def remove_entry(
    session: AsyncSession, actor: Actor, entry_id: UUID, *, reason: str, at: datetime
) -> DoNotCallEntry:
    """The number may be called again. Raises DoNotCallEntryNotFound, DoNotCallEntryOver (taken back before)."""
    found = select(DoNotCallEntry).where(DoNotCallEntry.id == entry_id).with_for_update()
    entry = (await session.scalars(found.execution_options(populate_existing=True))).one_or_none()
    if entry is None:
        raise DoNotCallEntryNotFound
    if entry.removed_at is not None:
        raise DoNotCallEntryOver
    entry.removed_at, entry.removed_by, entry.removal_reason = at, actor.name, reason
    record_audit(session, actor, "callouts.remove_do_not_call", subject_id=str(entry.id))
    return entry


async def list_entries(
    session: AsyncSession,
    *,
    whom: Whom | None,
    with_removed: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
    at: datetime,
) -> Sequence[DoNotCallEntry]:
    """At most ``limit + 1``, newest first; ``with_removed``: also those that do not count any more."""
    query = select(DoNotCallEntry)
    if whom is not None:
        query = query.where(_is_of(whom))
    if not with_removed:
        query = query.where(_counts(at))
    if after is not None:
        query = query.where(tuple_(DoNotCallEntry.added_at, DoNotCallEntry.id) < after)
    ordered = query.order_by(DoNotCallEntry.added_at.desc(), DoNotCallEntry.id.desc())
    return (await session.scalars(ordered.limit(limit + 1))).all()


async def _find_open(session: AsyncSession, whom: Whom) -> DoNotCallEntry | None:
    query = select(DoNotCallEntry).where(_is_of(whom), DoNotCallEntry.removed_at.is_(None))
    return (await session.scalars(query.with_for_update())).one_or_none()
