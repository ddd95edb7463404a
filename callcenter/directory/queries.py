"""All SQL of departments and doctors."""

from collections.abc import Collection, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.directory.models import Department, Doctor

Entry = TypeVar("Entry", Department, Doctor)


async def entries_after(session: AsyncSession, model: type[Entry], *, after: str | None, limit: int) -> Sequence[Entry]:
    """In order of code, from the one behind ``after``."""
    statement = select(model).order_by(model.code).limit(limit)
    return (await session.scalars(statement.where(model.code > after) if after else statement)).all()


async def find_entry(session: AsyncSession, model: type[Entry], code: str) -> Entry | None:
    found: Entry | None = await session.scalar(
        select(model).where(model.code == code).execution_options(populate_existing=True)
    )
    return found


async def ids_by_code(session: AsyncSession, model: type[Entry]) -> dict[str, UUID]:
    rows = await session.execute(select(model.code, model.id))
    return {row.code: row.id for row in rows}


async def entries_by_id(session: AsyncSession, model: type[Entry], ids: Collection[UUID]) -> dict[UUID, Entry]:
    if not ids:
        return {}
    return {entry.id: entry for entry in await session.scalars(select(model).where(model.id.in_(ids)))}
