"""Numbers whose owners do not want to be called: kept with who said so, until when, and who took it back.

What dials by itself (call-backs, campaigns) never dials them; a member of staff is warned and must confirm
(callcenter.callouts.service.CallOut).
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
from callcenter.core.conditions import one_of


def _counts(at: datetime) -> ColumnElement[bool]:
    return DoNotCallEntry.removed_at.is_(None) & or_(DoNotCallEntry.until.is_(None), DoNotCallEntry.until > at)


async def find_entry(session: AsyncSession, e164: str, at: datetime) -> DoNotCallEntry | None:
    """What counts at ``at`` for this number; by the unique index."""
    return (await session.scalars(select(DoNotCallEntry).where(DoNotCallEntry.e164 == e164, _counts(at)))).one_or_none()


async def list_listed(session: AsyncSession, numbers: Collection[str], at: datetime) -> set[str]:
    """Those of these numbers that are on the list."""
    query = select(DoNotCallEntry.e164).where(one_of(DoNotCallEntry.e164, numbers), _counts(at))
    return set(await session.scalars(query))


async def require_callable(session: AsyncSession, e164: str, at: datetime, *, confirmed: bool) -> None:
    """Raises OnDoNotCallList, unless who asks has ``confirmed`` that they want to call all the same."""
    entry = None if confirmed else await find_entry(session, e164, at)
    if entry is not None:
        raise OnDoNotCallList(since=entry.added_at.isoformat())


async def add_entry(
    session: AsyncSession,
    actor: Actor,
    e164: str,
    *,
    reason: str,
    until: datetime | None,
    call_id: str | None,
    at: datetime,
) -> tuple[DoNotCallEntry, bool]:
    """The entry, and whether it is new: one that counts already is changed to the new reason and end."""
    entry = await _find_open(session, e164)
    is_new = False
    if entry is not None and entry.until is not None and entry.until <= at:
        entry.removed_at, entry.removed_by, entry.removal_reason = entry.until, actor.name, "expired"
        await session.flush()
        entry = None
    if entry is None:
        entry = DoNotCallEntry(e164=e164, added_at=at)
        is_new = True
    entry.reason, entry.until, entry.call_id, entry.added_by = reason, until, call_id, actor.name
    try:
        async with session.begin_nested():
            session.add(entry)
    except IntegrityError:  # the same, at the same moment
        found = await _find_open(session, e164)
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
    e164: str | None,
    with_removed: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
    at: datetime,
) -> Sequence[DoNotCallEntry]:
    """At most ``limit + 1``, newest first; ``with_removed``: also those that do not count any more."""
    query = select(DoNotCallEntry)
    if e164 is not None:
        query = query.where(DoNotCallEntry.e164 == e164)
    if not with_removed:
        query = query.where(_counts(at))
    if after is not None:
        query = query.where(tuple_(DoNotCallEntry.added_at, DoNotCallEntry.id) < after)
    ordered = query.order_by(DoNotCallEntry.added_at.desc(), DoNotCallEntry.id.desc())
    return (await session.scalars(ordered.limit(limit + 1))).all()


async def _find_open(session: AsyncSession, e164: str) -> DoNotCallEntry | None:
    query = select(DoNotCallEntry).where(DoNotCallEntry.e164 == e164, DoNotCallEntry.removed_at.is_(None))
    return (await session.scalars(query.with_for_update())).one_or_none()
