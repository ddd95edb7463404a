"""All SQL of calls out."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts.models import CallOutCount, CallOutLimits, CallOutPrefix
from callcenter.core.conditions import one_of

CountKey = tuple[str, str]
"""Scope and subject of a count."""


async def prefixes_of(session: AsyncSession, digits: str) -> Sequence[CallOutPrefix]:
    """The rules for a number with these digits."""
    query = select(CallOutPrefix).where(literal(digits).startswith(CallOutPrefix.prefix))
    return (await session.scalars(query)).all()


async def all_prefixes(session: AsyncSession) -> Sequence[CallOutPrefix]:
    return (await session.scalars(select(CallOutPrefix))).all()


async def list_prefixes(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[CallOutPrefix]:
    """At most ``limit + 1``, by prefix."""
    query = select(CallOutPrefix).order_by(CallOutPrefix.prefix).limit(limit + 1)
    return (await session.scalars(query.where(CallOutPrefix.prefix > after) if after else query)).all()


async def put_prefix(session: AsyncSession, prefix: str, values: dict[str, Any]) -> CallOutPrefix:
    new = insert(CallOutPrefix).values(prefix=prefix, **values)
    put = new.on_conflict_do_update(index_elements=["prefix"], set_=values).returning(CallOutPrefix)
    return (await session.scalars(put, execution_options={"populate_existing": True})).one()


async def delete_prefix(session: AsyncSession, prefix: str) -> bool:
    gone = delete(CallOutPrefix).where(CallOutPrefix.prefix == prefix).returning(CallOutPrefix.prefix)
    return await session.scalar(gone) is not None


async def find_limits(session: AsyncSession) -> CallOutLimits | None:
    return await session.get(CallOutLimits, 1)


async def put_limits(session: AsyncSession, values: dict[str, int]) -> None:
    new = insert(CallOutLimits).values(id=1, **values)
    await session.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))


async def taken(session: AsyncSession, day: date, keys: Sequence[CountKey]) -> dict[CountKey, int]:
    """How many places are taken; of keys with none there is no entry."""
    query = select(CallOutCount.scope, CallOutCount.subject, CallOutCount.taken).where(
        CallOutCount.day == day, tuple_(CallOutCount.scope, CallOutCount.subject).in_(keys)
    )
    return {(row.scope, row.subject): row.taken for row in await session.execute(query)}


async def take(session: AsyncSession, day: date, key: CountKey, *, limit: int) -> bool:
    """Take one place if fewer than ``limit`` are taken; whoever comes at the same moment waits for our commit."""
    scope, subject = key
    new = insert(CallOutCount).from_select(
        ["day", "scope", "subject", "taken"],
        select(literal(day), literal(scope), literal(subject), literal(1)).where(literal(limit) > 0),
    )
    counted = new.on_conflict_do_update(
        index_elements=["day", "scope", "subject"],
        set_={"taken": CallOutCount.taken + 1},
        where=CallOutCount.taken < limit,
    )
    return await session.scalar(counted.returning(CallOutCount.taken)) is not None


async def take_of_numbers(session: AsyncSession, day: date, numbers: Sequence[str], *, limit: int) -> set[str]:
    """:func:`take` for many numbers, in their order; those that got a place."""
    if not numbers or limit < 1:
        return set()
    new = insert(CallOutCount).values([{"day": day, "scope": "number", "subject": one, "taken": 1} for one in numbers])
    counted = new.on_conflict_do_update(
        index_elements=["day", "scope", "subject"],
        set_={"taken": CallOutCount.taken + 1},
        where=CallOutCount.taken < limit,
    )
    return set(await session.scalars(counted.returning(CallOutCount.subject)))


async def taken_of_numbers(session: AsyncSession, day: date, numbers: Collection[str]) -> dict[str, int]:
    """:func:`taken` for many numbers."""
    query = select(CallOutCount.subject, CallOutCount.taken).where(
        CallOutCount.day == day, CallOutCount.scope == "number", one_of(CallOutCount.subject, numbers)
    )
    return {row.subject: row.taken for row in await session.execute(query)}


async def purge_counts(session: AsyncSession, before: date) -> int:
    gone = delete(CallOutCount).where(CallOutCount.day < before).returning(literal(1))
    return len((await session.scalars(gone)).all())
