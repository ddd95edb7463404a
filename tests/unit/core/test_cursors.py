"""Cursors: what is encoded comes back; what was made up is refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.core.cursors import (
    InvalidCursor,
    a_bigint,
    a_day,
    a_text,
    a_uuid,
    an_instant,
    an_integer,
    decode_cursor,
    encode_cursor,
    sort_key,
)

SCALARS = st.none() | st.integers(-(2**53), 2**53) | st.text(alphabet=st.characters(codec="utf-8"), max_size=40)
ID = UUID("00000000-0000-7000-8000-000000000001")


@given(st.lists(SCALARS, max_size=4))
def test_a_cursor_comes_back_as_it_was(key: list[Any]) -> None:
    assert decode_cursor(encode_cursor(key)) == tuple(key)


@given(st.text(min_size=1, max_size=60))
def test_a_made_up_cursor_is_refused_or_holds_plain_values(cursor: str) -> None:
    try:
        values = decode_cursor(cursor)
    except InvalidCursor:
        return
    assert values is not None
    assert all(value is None or isinstance(value, str | int) for value in values)


@pytest.mark.parametrize("cursor", [None, ""])
def test_without_a_cursor_a_list_begins(cursor: str | None) -> None:
    assert sort_key(decode_cursor(cursor), a_text, a_bigint) is None


def test_each_part_is_read_as_what_it_is() -> None:
    assert sort_key(("x",), a_text) == "x"
    assert sort_key(("2026-01-05T08:00:00+08:00", str(ID)), an_instant, a_uuid) == (
        datetime(2026, 1, 5, tzinfo=UTC),
        ID,
    )
    assert sort_key(("2026-01-05", 2**31 - 1, 2**63 - 1), a_day, an_integer, a_bigint) == (
        date(2026, 1, 5),
        2**31 - 1,
        2**63 - 1,
    )


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (a_text, 1),
        (a_text, None),
        (a_text, "x\x00"),
        (an_integer, 2**31),
        (an_integer, "7"),
        (a_bigint, 2**63),
        (a_bigint, True),
        (a_uuid, "x"),
        (a_uuid, 7),
        (an_instant, "2026-01-05T08:00:00"),
        (an_instant, "0001-01-01T00:00:00+23:00"),
        (an_instant, "x"),
        (a_day, "2026-02-30"),
    ],
)
def test_a_part_of_another_kind_is_refused(part: Callable[[object], Any], value: Any) -> None:
    with pytest.raises(InvalidCursor):
        sort_key((value,), part)


@pytest.mark.parametrize("key", [(), ("x", "y")])
def test_a_key_of_another_length_is_refused(key: tuple[str, ...]) -> None:
    with pytest.raises(InvalidCursor):
        sort_key(key, a_text)
