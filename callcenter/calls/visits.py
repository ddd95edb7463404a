"""Queue visits of one caller's channel: entered by CC_QUEUE, ended by answer, hang-up or CC_QUEUE_END.

A visit is *answered* when the caller's channel enters a bridge inside it. Each ends in exactly one outcome
(docs/glossary.md, "queue visit").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.asterisk import variables
from callcenter.asterisk.ledger import CelRecord, QueueLogRecord, seat_of_channel
from callcenter.asterisk.queue_names import main_queue
from callcenter.calls.channels import Channel, Span, Stay, overlap

_OVERFLOWED = {
    "TIMEOUT": "timeout",
    "FULL": "full",
    "JOINEMPTY": "nobody_there",
    "JOINUNAVAIL": "nobody_there",
    "LEAVEEMPTY": "left_empty",
    "LEAVEUNAVAIL": "left_empty",
    "KEY": "key",
    "UNKNOWN": "no_such_queue",
}
_MOVED = {"WITHDRAW": "withdrawn", "MOVED": "redirected"}
_CONTINUED = "CONTINUE"


@dataclass(frozen=True, slots=True)
class DerivedVisit:
    """Columns of :class:`callcenter.calls.models.QueueVisit`."""

    uniqueid: str
    number: int
    queue_name: str
    priority: int
    outcome: str
    reason: str | None
    entered_at: datetime
    answered_at: datetime | None
    left_at: datetime | None
    wait_seconds: float
    talk_seconds: float
    agent_number: str | None
    offers: int
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class _Bracket:
    """Where the visit begins and what ended it: ``how`` is status, hangup, requeued, transferred or running."""

    number: int
    entered: CelRecord
    end_at: datetime
    how: str
    detail: str = ""


def derive_visits(
    channel: Channel,
    channels: Mapping[str, Channel],
    queue_log: Sequence[QueueLogRecord],
    *,
    transfers: Iterable[CelRecord],
    agents: Mapping[str, str],
    last_at: datetime,
    lost: bool,
) -> list[DerivedVisit]:
    """The visits of ``channel``; ``transfers`` are the call's blind ones, ``agents`` numbers by leg."""
    if not any(event.kind == variables.EVENT_QUEUE for event in channel.events):
        return []
    transferred = [event.at for event in transfers if _is_transfer_of(event, channel)]
    stays = channel.stays(last_at)
    visits = []
    for bracket in _brackets(channel, transferred, last_at):
        inside = [stay for stay in stays if bracket.entered.at <= stay.span.start <= bracket.end_at]
        lines = [line for line in queue_log if _belongs(line, channel, bracket)]
        outcome, reason = _outcome(bracket, channel, lines, answered=bool(inside), lost=lost)
        answered_at = None
        if outcome == "answered":
            answered_at = inside[0].span.start if inside else bracket.end_at
        left_at = answered_at or (None if outcome == "open" else bracket.end_at)
        talk = [Span(stay.span.start, min(stay.span.end, bracket.end_at)) for stay in inside]
        said = bracket.entered.payload
        visits.append(
            DerivedVisit(
                uniqueid=channel.uniqueid,
                number=bracket.number,
                queue_name=said.get("queue", ""),
                priority=_integer(said.get("prio", "")),
                outcome=outcome,
                reason=reason,
                entered_at=bracket.entered.at,
                answered_at=answered_at,
                left_at=left_at,
                wait_seconds=Span(bracket.entered.at, left_at or bracket.entered.at).duration.total_seconds(),
                talk_seconds=(Span.total(talk) - overlap(talk, channel.music(last_at))).total_seconds(),
                agent_number=_agent(inside, channel, channels.values(), agents, last_at)
                or (_agent_connected(lines, agents) if outcome == "answered" else None),
                offers=_offers(channels.values(), bracket.entered.at, left_at or last_at),
            )
        )
    return visits


def answered_by(visits: Sequence[DerivedVisit]) -> str | None:
    """Who answered the last visit that was answered."""
    return next((visit.agent_number for visit in reversed(visits) if visit.outcome == "answered"), None)


def _brackets(channel: Channel, transfers: Sequence[datetime], last_at: datetime) -> list[_Bracket]:
    brackets: list[_Bracket] = []
    entered: CelRecord | None = None

    def close(at: datetime, how: str, detail: str = "") -> None:
        nonlocal entered
        if entered is not None:
            brackets.append(_Bracket(len(brackets) + 1, entered, at, how, detail))
            entered = None

    for event in channel.events:
        if transfers and entered:
            transferred_at = next((at for at in transfers if entered.at < at <= event.at), None)
            if transferred_at:
                close(transferred_at, "transferred")
        if event.kind == variables.EVENT_QUEUE:
            close(event.at, "requeued")
            entered = event
        elif event.kind == variables.EVENT_QUEUE_END:
            close(event.at, "status", event.payload.get("status", ""))
        elif event.kind == "HANGUP":
            close(event.at, "hangup", str(event.extra.get("hangupsource", "")))
    close(last_at, "running")
    return brackets


def _outcome(
    bracket: _Bracket, channel: Channel, lines: Iterable[QueueLogRecord], *, answered: bool, lost: bool
) -> tuple[str, str | None]:
    if answered or bracket.detail == _CONTINUED:
        return "answered", _end_of_talk(bracket, channel)
    if bracket.how == "running":
        return ("lost", None) if lost else ("open", None)
    if bracket.how == "hangup":
        return "abandoned", "caller_hangup" if bracket.detail == channel.name else "pbx_hangup"
    if bracket.detail in _MOVED:
        return "moved", _MOVED[bracket.detail]
    if bracket.detail in _OVERFLOWED:
        return "overflowed", _OVERFLOWED[bracket.detail]
    if any(line.kind == "EXITWITHKEY" for line in lines):
        return "overflowed", "key"
    if bracket.detail:
        return "overflowed", "unknown"
    return "moved", "redirected"  # Queue() left without a status, the caller goes on: an AMI Redirect


def _end_of_talk(bracket: _Bracket, channel: Channel) -> str | None:
    if bracket.how in ("transferred", "requeued"):
        return "transferred"
    if bracket.how == "status":
        return "agent_hangup"
    if bracket.how == "hangup":
        if bracket.detail == channel.name:
            return "caller_hangup"
        return "agent_hangup" if seat_of_channel(bracket.detail) else "pbx_hangup"
    return None


def _agent(
    inside: Sequence[Stay], channel: Channel, channels: Iterable[Channel], agents: Mapping[str, str], last_at: datetime
) -> str | None:
    """Whoever was in the first bridge of the visit with the caller."""
    for other in channels if inside else ():
        if other is not channel and other.uniqueid in agents and other.shares(inside[0], last_at):
            return agents[other.uniqueid]
    return None


def _agent_connected(lines: Iterable[QueueLogRecord], agents: Mapping[str, str]) -> str | None:
    """Whoever app_queue connected: an agent who hangs up at once may have left the bridge before the caller entered."""
    for line in lines:
        if line.kind == "CONNECT" and len(line.data) > 1:
            return agents.get(line.data[1])
    return None


def _offers(channels: Iterable[Channel], start: datetime, end: datetime) -> int:
    return sum(seat_of_channel(one.name) is not None and start <= one.started_at <= end for one in channels)


def _is_transfer_of(event: CelRecord, channel: Channel) -> bool:
    return event.extra.get("transferee_channel_uniqueid") == channel.uniqueid


def _belongs(line: QueueLogRecord, channel: Channel, bracket: _Bracket) -> bool:
    """queue_log knows whole seconds only, rounded down, and Asterisk's own queues by their own names."""
    queue = bracket.entered.payload.get("queue", "")
    return (
        line.callid == channel.uniqueid
        and main_queue(line.queue_name, queue) == queue
        and bracket.entered.at - timedelta(seconds=1) < line.at <= bracket.end_at
    )


def _integer(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
