"""Marks that callers gave: to which visit each belongs, and their sums per queue and agent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from callcenter.asterisk import variables
from callcenter.asterisk.ledger import CelRecord
from callcenter.calls.visits import DerivedVisit

MARKS = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5}


def rate_visits(visits: Sequence[DerivedVisit], ordered: Iterable[CelRecord]) -> tuple[DerivedVisit, ...]:
    """The visits with their marks. A mark is for the last visit that was answered before it; the last mark counts."""
    rated = list(visits)
    for event in ordered:
        mark = mark_of(event)
        if mark is None:
            continue
        served = [
            (visit.answered_at, index)
            for index, visit in enumerate(rated)
            if visit.uniqueid == event.uniqueid and visit.answered_at is not None and visit.answered_at <= event.at
        ]
        if served:
            index = max(served)[1]
            rated[index] = replace(rated[index], rating=mark)
    return tuple(rated)


def mark_of(event: CelRecord) -> int | None:
    """The mark that this event tells of, if it tells of one."""
    return MARKS.get(event.payload.get("mark", "")) if event.kind == variables.EVENT_RATING else None
