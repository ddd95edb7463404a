"""Parts of a day in which a service is open, as minutes of the local day, and how PostgreSQL keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From ``opens_minute`` on, before ``closes_minute``: minutes of the day, 0 to 1440 (its end)."""

    opens_minute: int
    closes_minute: int

    def __contains__(self, minute: int) -> bool:
        return self.opens_minute <= minute < self.closes_minute


Spans = tuple[Span, ...]
"""In order, not overlapping; none: closed all day."""

ALL_DAY: Spans = (Span(0, DAY_MINUTES),)


class SpansColumn(TypeDecorator[Spans]):
    """An ``int4multirange``: PostgreSQL itself keeps spans in order and joins those that touch."""

    impl = INT4MULTIRANGE
    cache_ok = True

    def process_bind_param(self, value: Spans | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return MultiRange(Range(span.opens_minute, span.closes_minute) for span in value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Spans | None:
        return None if value is None else tuple(Span(one.lower, one.upper) for one in value)


def as_literal(spans: Iterable[Span]) -> str:
    """As PostgreSQL writes them: ``{[480,720),[810,1050)}``."""
    return "{" + ",".join(f"[{span.opens_minute},{span.closes_minute})" for span in spans) + "}"
