"""What every HTTP route shares: the request's transaction, pages with cursors, the shape of bodies.

All routes stand under :data:`API_PREFIX`. Patient data never stands in a URL: searches are POSTs with a body.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import asyncpg
from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.cursors import Key, decode_cursor, encode_cursor
from callcenter.core.db import CONNECTION_FAULTS, Database, is_passing
from callcenter.core.errors import Unavailable
from callcenter.core.phone_numbers import NumberPlan

API_PREFIX = "/api/v1"

ANSWER_SECONDS = 3.0
"""Within which a request has a connection that answers, or is told that there is none."""

Item = TypeVar("Item")
Row = TypeVar("Row")


class DatabaseUnavailable(Unavailable):
    code = "database-unavailable"
    title_en, title_zh = "The database does not answer now.", "数据库暂时无法访问。"


def get_database(request: Request) -> Database:
    """The process's database, for the few routes that need more than one transaction."""
    database: Database = request.app.state.database
    return database


_LOST_MEANWHILE = (*(fault for fault in CONNECTION_FAULTS if fault is not OSError), TimeoutError, ConnectionError)
"""Not every OSError: one of a file is no outage of the database."""


@asynccontextmanager
async def open_transaction(database: Database) -> AsyncIterator[AsyncSession]:
    """``database.transaction()`` that raises DatabaseUnavailable (503) when the database is away, also if it froze."""
    try:
        session = await database.connected_session(ANSWER_SECONDS)
    except (*CONNECTION_FAULTS, DBAPIError, PoolTimeout) as error:
        raise DatabaseUnavailable from error
    async with session:
        try:
            yield session
            await session.commit()
        except _LOST_MEANWHILE as error:
            if isinstance(error, asyncpg.PostgresError) and not is_passing(error):
                raise
            raise DatabaseUnavailable from error


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction a request: committed before the response is sent, rolled back by any error."""
    async with open_transaction(get_database(request)) as session:
        yield session


DbSession = Annotated[AsyncSession, Depends(get_session, scope="function")]


def get_number_plan(request: Request) -> NumberPlan:
    plan: NumberPlan = request.app.state.number_plan
    return plan


def get_code_key(request: Request) -> str:
    key: str = request.app.state.code_key
    return key


NumberPlanOf = Annotated[NumberPlan, Depends(get_number_plan)]
"""How this hospital reads telephone numbers."""

CodeKey = Annotated[str, Depends(get_code_key)]
"""Key of check codes and PINs (the secret ``check_code_key``)."""


def source_of(request: Request) -> str:
    """Address of whoever opened the connection: from the socket, never from a header anybody can write."""
    return request.client.host if request.client else ""


class ApiModel(BaseModel):
    """Base of all bodies: unknown fields refused, texts trimmed, no NUL (PostgreSQL cannot keep it)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, str_max_length=10_000)

    @field_validator("*", mode="after")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        values = value.values() if isinstance(value, Mapping) else value
        texts = values if isinstance(value, list | tuple | Mapping) else (value,)
        if any(isinstance(text, str) and "\x00" in text for text in texts):
            raise ValueError("NUL character")
        return value


class Page(BaseModel, Generic[Item]):
    """Part of a list. ``next_cursor``: ask again with it for what follows; None at the end."""

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Pass as `cursor` for the next page; null at the end.")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``after``: the sort key of the last row the client has, for ``cursors.sort_key``; None for the first page."""

    limit: int
    after: Key | None


def page_request(
    limit: Annotated[int, Query(ge=1, le=500, description="Rows per page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")] = None,
) -> PageRequest:
    return PageRequest(limit=limit, after=decode_cursor(cursor))


Paging = Annotated[PageRequest, Depends(page_request)]


def cut_page(
    rows: Sequence[Row], limit: int, key: Callable[[Row], Iterable[str | int | None]]
) -> tuple[list[Row], str | None]:
    """From ``limit + 1`` fetched rows, the page and the cursor after its last row (None if there is no more)."""
    page = list(rows[:limit])
    return page, encode_cursor(key(page[-1])) if len(rows) > limit else None
