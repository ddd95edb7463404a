"""Cursors of lists: the sort key of the last row a client has, opaque to it, and outside input when it comes back.

sort_key(paging.after, an_instant, a_uuid)  # of a list sorted by time, then id
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any, TypeVar, overload
from uuid import UUID

import orjson

from callcenter.core.errors import InvalidInput

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

Key = tuple[str | int | None, ...]


class InvalidCursor(InvalidInput):
    code = "invalid-cursor"
    title_en, title_zh = "The cursor is not one this list gave out.", "分页游标无效。"


def encode_cursor(key: Iterable[str | int | None]) -> str:
    """An opaque cursor of a sort key. In a URL it may hold ids and times only, no names or numbers."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> Key | None:
    """The key in ``cursor``, for :func:`sort_key`; None without a cursor. Raises InvalidCursor."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not isinstance(values, list) or not all(isinstance(value, str | int | None) for value in values):
        raise InvalidCursor
    return tuple(values)


@overload
def sort_key(key: Key | None, one: Callable[[object], A], /) -> A | None: ...
@overload
def sort_key(key: Key | None, one: Callable[[object], A], two: Callable[[object], B], /) -> tuple[A, B] | None: ...
@overload
def sort_key(
    key: Key | None, one: Callable[[object], A], two: Callable[[object], B], three: Callable[[object], C], /
) -> tuple[A, B, C] | None: ...
def sort_key(key: Key | None, *parts: Callable[[object], Any]) -> Any:
    """What a list goes on after, each part read as what it must be; None at the beginning. Raises InvalidCursor."""
    if key is None:
        return None
    try:
        values = tuple(read(value) for read, value in zip(parts, key, strict=True))
    except (ValueError, OverflowError) as error:
        raise InvalidCursor from error
    return values if len(parts) > 1 else values[0]


# -- parts; each raises ValueError or OverflowError


def a_text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("no text that PostgreSQL can compare")
    return value


def an_integer(value: object) -> int:
    """PostgreSQL's integer (32 bits)."""
    return _whole(value, bits=31)


def a_bigint(value: object) -> int:
    """PostgreSQL's bigint (64 bits)."""
    return _whole(value, bits=63)


def a_uuid(value: object) -> UUID:
    return UUID(a_text(value))


def an_instant(value: object) -> datetime:
    """A time with its zone, as UTC."""
    at = datetime.fromisoformat(a_text(value))
    if at.tzinfo is None:
        raise ValueError("a time of no zone")
    return at.astimezone(UTC)


def a_day(value: object) -> date:
    return date.fromisoformat(a_text(value))


def _whole(value: object, *, bits: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > bits:
        raise ValueError("no number of this width")
    return value
