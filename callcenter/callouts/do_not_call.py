"""Numbers, and persons, that are not to be called: kept with who said so, until when, and who took it back.

What dials by itself (call-backs, campaigns) never dials such a number; a member of staff is warned and must confirm
(callcenter.callouts.service.CallOut). No campaign calls such a person, at whichever number, or writes to them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, DateTime, func, literal_column, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts.errors import DoNotCallEntryNotFound, DoNotCallEntryOver, OnDoNotCallList
from callcenter.callouts.models import DoNotCallEntry
from callcenter.core.audit import Actor, record_audit
from callcenter.core.conditions import id_one_of, one_of
from callcenter.core.ids import new_id

Whom = str | UUID
"""A number (E.164), or a person: a patient by id."""
_ROWS_AT_ONCE = 2_000
"""Six parameters each; a statement has 32,767 at most."""
_FOR_GOOD = literal_column("CAST('infinity' AS timestamptz)", DateTime(timezone=True))
_IS_NEW = literal_column("do_not_call_entries.xmax = 0", Boolean)


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


@dataclass(frozen=True, slots=True)
class Wish:
    """Of somebody who is not to be called. ``until``: None: until it is taken back."""

    whom: Whom
    reason: str
    until: datetime | None


def longer(one: Wish, other: Wish) -> Wish:
    """Whichever lasts longer; of two that last as long, the first."""
    if one.until is None or other.until is None:
        return one if one.until is None else other
    return one if one.until >= other.until else other


async def add_entries(session: AsyncSession, actor: Actor, wishes: Sequence[Wish], *, at: datetime) -> int:
    """Many at once, nobody of them twice; returns how many are new. Who is listed already stays so, no shorter."""
    numbers = {wish.whom: wish for wish in wishes if isinstance(wish.whom, str)}
    persons = {wish.whom: wish for wish in wishes if isinstance(wish.whom, UUID)}
    of_them = or_(one_of(DoNotCallEntry.e164, numbers), id_one_of(DoNotCallEntry.patient_id, persons))
    over = update(DoNotCallEntry).where(of_them, DoNotCallEntry.removed_at.is_(None), DoNotCallEntry.until <= at)
    await session.execute(
        over.values(removed_at=DoNotCallEntry.until, removed_by=actor.name, removal_reason="expired"),
        execution_options={"synchronize_session": False},
    )
    added = 0
    for column, some in (("e164", numbers), ("patient_id", persons)):
        added += await _put(session, column, _rows(column, some.values(), added_at=at, added_by=actor.name))
    record_audit(session, actor, "callouts.import_do_not_call", rows=len(wishes), added=added)
    return added


def _rows(column: str, wishes: Iterable[Wish], **made: object) -> list[dict[str, object]]:
    """In one order: two files at once do not wait for each other in a circle."""
    return [
        {"id": new_id(), column: wish.whom, "reason": wish.reason, "until": wish.until, **made}
        for wish in sorted(wishes, key=lambda one: str(one.whom))
    ]


async def _put(session: AsyncSession, by: str, rows: Sequence[Mapping[str, object]]) -> int:
    """How many are new. ``by``: the column by which they are known."""
    added = 0
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        new = insert(DoNotCallEntry).values(rows[first : first + _ROWS_AT_ONCE])
        ends = [func.coalesce(until, _FOR_GOOD) for until in (DoNotCallEntry.until, new.excluded.until)]
        put = new.on_conflict_do_update(
            index_elements=[by],
            index_where=DoNotCallEntry.removed_at.is_(None),
            set_={"until": func.nullif(func.greatest(*ends), _FOR_GOOD)},
        )
        added += sum(await session.scalars(put.returning(_IS_NEW)))
    return added


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
