"""Events of a call under which the clock was set back: brought into one time that never goes back."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter, is_

from callcenter.asterisk.ledger import CelRecord

_DISORDER = timedelta(seconds=1)
"""Threads of Asterisk write their lines a moment apart; what lies further apart is the clock's doing."""
_at = attrgetter("at")


def in_order(events: Iterable[CelRecord]) -> list[CelRecord]:
    """``events``, which come in the order of the files, in the order of time.

    If the clock was set back under the call, its times cannot tell the order, so that of the files does: from each
    step on, times count on from the last one before it. Such a call lasts as long as it did, less what lay between
    its last event before the step and the first one after it. (A clock set forward shows in no line: the span
    across it is longer by the step.)
    """
    written = list(events)
    ordered = sorted(written, key=_at)
    if all(map(is_, written, ordered)) or not _was_set_back(written):
        return ordered
    return sorted(_without_steps(written), key=_at)


def _was_set_back(events: Sequence[CelRecord]) -> bool:
    """Whether something stands before its channel began, or after it ended."""
    began = {event.uniqueid: event.at - _DISORDER for event in events if event.kind == "CHAN_START"}
    ended = {event.uniqueid: event.at + _DISORDER for event in events if event.kind == "CHAN_END"}
    return any(
        event.at < began.get(event.uniqueid, event.at)
        or (event.kind != "LINKEDID_END" and event.at > ended.get(event.uniqueid, event.at))
        for event in events
    )


def _without_steps(events: Iterable[CelRecord]) -> Iterable[CelRecord]:
    latest: datetime | None = None
    shift = timedelta()
    for event in events:
        at = event.at + shift
        if latest is not None and at < latest - _DISORDER:
            shift += latest - at
            at = latest
        latest = max(at, latest or at)
        yield event._replace(at=at) if shift else event
