"""Rows made to hold given values, a thousand in one statement or one: what repeats changes nothing."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, column, func, literal_column, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.db import Base


class Written(StrEnum):
    """What putting one row did."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


async def put_rows(
    session: AsyncSession,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    update: Sequence[str],
    touch: Mapping[str, Any] | None = None,
    same: Sequence[str] = (),
) -> dict[tuple[Any, ...], Written]:
    """INSERT ... ON CONFLICT (key) DO UPDATE, by one statement; no key twice among ``rows``.

    ``rows`` have the same columns, all that a new row needs. Of an existing row only the columns ``update`` are
    changed, and only if one differs; then ``touch`` is set too (``updated_at``). An existing row that differs in
    a column of ``same`` is left alone. Returns the keys of the rows that were created or changed.
    """
    if not rows:
        return {}
    columns = list(rows[0])
    table = model.__table__
    payload = [{name: _json_value(value) for name, value in row.items()} for row in rows]
    source = (
        func.jsonb_to_recordset(type_coerce(payload, JSONB))
        .table_valued(*(column(name, table.c[name].type) for name in columns), name="incoming")
        .render_derived(with_types=True)
    )
    new = insert(model).from_select(columns, select(*source.c), include_defaults=False)
    changed = or_(*(table.c[name].is_distinct_from(new.excluded[name]) for name in update))
    unmoved: list[ColumnElement[bool]] = [table.c[name] == new.excluded[name] for name in same]
    statement = new.on_conflict_do_update(
        index_elements=list(key),
        set_={name: new.excluded[name] for name in update} | dict(touch or {}),
        where=and_(changed, *unmoved),
    ).returning(*(table.c[name] for name in key), literal_column("xmax = 0").label("created"))
    result = await session.execute(statement)
    return {tuple(row[:-1]): Written.CREATED if row[-1] else Written.CHANGED for row in result}


async def put_row(
    session: AsyncSession,
    model: type[Base],
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    when_new: Mapping[str, Any] | None = None,
    touch: Mapping[str, Any] | None = None,
) -> Written:
    """One row: ``values`` are what it shall hold, ``when_new`` what only a new one gets (its id)."""
    written = await put_rows(
        session, model, [{**key, **values, **(when_new or {})}], key=list(key), update=list(values), touch=touch
    )
    return next(iter(written.values()), Written.UNCHANGED)


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(value) if isinstance(value, UUID) else value  # asyncpg's UUID is a subclass that orjson refuses
