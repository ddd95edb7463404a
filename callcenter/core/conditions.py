"""Conditions on many values that are the same statement however many they are: prepared and planned once.

``IN (...)`` is another statement for each number of values, which costs PostgreSQL more than looking for them.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, String, Uuid, all_, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

Text = InstrumentedAttribute[str] | InstrumentedAttribute[str | None] | ColumnElement[str]


def one_of(text: Text, values: Iterable[str]) -> ColumnElement[bool]:
    """Whether the column of text is one of ``values``; of none, it never is."""
    is_one: ColumnElement[bool] = text == any_(literal(list(values), ARRAY(String)))
    return is_one


def none_of(text: Text, values: Iterable[str]) -> ColumnElement[bool]:
    """Whether the column of text is not one of ``values``."""
    is_none: ColumnElement[bool] = text != all_(literal(list(values), ARRAY(String)))
    return is_none


def id_one_of(
    identifier: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], ids: Iterable[UUID]
) -> ColumnElement[bool]:
    """Whether the column of ids is one of ``ids``; of none, it never is."""
    is_one: ColumnElement[bool] = identifier == any_(literal(list(ids), ARRAY(Uuid)))
    return is_one
