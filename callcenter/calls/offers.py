"""What became of each ring of an agent's telephone for a caller in a queue, and when the agent held the caller.

For each agent and period: offered = answered + missed + withdrawn + open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.calls.channels import Channel, Span
from callcenter.calls.visits import DerivedVisit

_CALLER_LEAVES = timedelta(seconds=1)
"""app_queue ends the ringing some milliseconds before the caller's own end; its next ring comes a second later."""
_CANCELLED = frozenset({None, 0, 16, 26})
"""Q.850 causes of a ring that the PBX ended (26: answered elsewhere); with others the telephone refused."""


@dataclass(frozen=True, slots=True)
class Offer:
    """``outcome``: ``answered``; ``missed``: it rang out, or was refused (queue_log: RINGNOANSWER); ``withdrawn``: the
    caller hung up or left meanwhile, or somebody else answered (RINGCANCELED); ``open``: it rings."""

    queue_name: str
    outcome: str


def find_offer(channel: Channel, visits: Iterable[DerivedVisit], last_at: datetime, *, is_over: bool) -> Offer | None:
    """The offer that a seat's channel was; None: it was not rung for a queue. ``is_over``: nothing more will come."""
    for visit in visits:
        if visit.entered_at <= channel.started_at <= (visit.left_at or last_at):
            return Offer(visit.queue_name, _outcome(channel, visit, last_at, is_over=is_over))
    return None


def _outcome(channel: Channel, visit: DerivedVisit, last_at: datetime, *, is_over: bool) -> str:
    if visit.outcome == "answered" and channel.answered_at is not None and channel.stays(last_at):
        return "answered"
    if channel.ended_at is None:
        return "withdrawn" if is_over or channel.answered_at is not None else "open"
    if channel.answered_at is not None:
        return "withdrawn"
    timed_out = visit.outcome == "overflowed" and visit.reason == "timeout"
    refused = channel.hangup_cause not in _CANCELLED
    left = visit.left_at is not None and channel.ended_at >= visit.left_at - _CALLER_LEAVES
    return "withdrawn" if left and not timed_out and not refused else "missed"


def held_by(channel: Channel, others: Iterable[Channel], last_at: datetime) -> tuple[Span, ...]:
    """When somebody in the same bridge heard music because of this channel's owner; in order, not overlapping."""
    stays = channel.stays(last_at)
    found = [
        heard.cut(max(own.span.start, theirs.span.start), min(own.span.end, theirs.span.end))
        for other in (others if stays else ())
        if other is not channel
        for heard in other.music(last_at)
        for theirs in other.stays(last_at)
        for own in stays
        if own.bridge_id == theirs.bridge_id
    ]
    return _joined([span for span in found if span.start < span.end])


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)
