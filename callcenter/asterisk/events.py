"""AMI events as typed facts: raw headers end here.

Each field says which header it comes from and how strictly it is read. Header names and units were read off
Asterisk 22.10; they are its documentation's, except where a comment says so. Which events arrive at all is decided
by the ``eventfilter`` lines of manager.conf.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any, NamedTuple, get_type_hints

from callcenter.asterisk import variables
from callcenter.asterisk.errors import EventMalformed

# -- how a header is read


class From(NamedTuple):
    """The header a field comes from (the first of ``names`` that is there), and its reader."""

    read: Callable[[str], Any]
    names: tuple[str, ...]


def _key(value: str) -> str:
    """Names something: must be there."""
    if not value:
        raise ValueError
    return value


def _person(value: str) -> str | None:
    """A caller's number or name; Asterisk writes three different words for nobody."""
    return None if value in ("", "<unknown>", "unknown") else value


def _number(value: str) -> int:
    """An integer; a missing or empty header counts as 0. Python's own ``int`` would also take ``1_0`` and `` 1``."""
    digits = value.removeprefix("-")
    if not value:
        return 0
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise ValueError
    return int(value)


def _measurement(value: str) -> int | None:
    return None if value in ("", "N/A") else _number(value)


def _flag(value: str) -> bool:
    return _number(value) != 0


def _instant(value: str) -> datetime | None:
    """Unix seconds, where Asterisk writes 0 for never."""
    epoch_seconds = _number(value)
    try:
        return datetime.fromtimestamp(epoch_seconds, UTC) if epoch_seconds else None
    except (OverflowError, OSError) as error:
        raise ValueError from error


def _channel_variable(name: str, read: Callable[[str], Any]) -> From:
    """A variable of the caller's channel (manager.conf's channelvars): one line each of a repeated header."""

    def find(value: str) -> Any:
        wanted = f"{name}="
        lines = value.split("\n")
        return read(next((line.removeprefix(wanted) for line in lines if line.startswith(wanted)), ""))

    return From(find, ("ChanVariable",))


def key(*names: str) -> From:
    return From(_key, names)


def text(name: str) -> From:
    return From(str, (name,))


def number(name: str) -> From:
    return From(_number, (name,))


Queue = Annotated[str, key("Queue")]
WantedQueue = Annotated[str, _channel_variable(variables.QUEUE, str)]
Uniqueid = Annotated[str, key("Uniqueid")]
Linkedid = Annotated[str, key("Linkedid")]
Channel = Annotated[str, text("Channel")]
CallerNumber = Annotated[str | None, From(_person, ("CallerIDNum",))]
CallerName = Annotated[str | None, From(_person, ("CallerIDName",))]
Position = Annotated[int, number("Position")]
AgentChannel = Annotated[str, text("DestChannel")]
AgentUniqueid = Annotated[str, text("DestUniqueid")]
# QueueStatus writes Location and Name where the events write Interface and MemberName
Interface = Annotated[str, key("Interface", "Location")]
MemberName = Annotated[str, From(str, ("MemberName", "Name"))]


# -- a caller and a queue


@dataclass(frozen=True, slots=True)
class QueueCallerJoin:
    """A caller entered a queue at ``position`` (from 1); ``waiting`` callers are now in it.

    ``wanted_queue``: ours, when ``queue`` is one of Asterisk's own (queue_names).
    """

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    channel: Channel
    caller_number: CallerNumber
    caller_name: CallerName
    position: Position
    waiting: Annotated[int, number("Count")]
    wanted_queue: WantedQueue
    priority: Annotated[int, _channel_variable(variables.PRIORITY, _number)]


@dataclass(frozen=True, slots=True)
class QueueCallerLeave:
    """A caller left a queue, for whatever reason; ``waiting`` callers are still in it."""

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    channel: Channel
    position: Position
    waiting: Annotated[int, number("Count")]
    wanted_queue: WantedQueue


@dataclass(frozen=True, slots=True)
class QueueCallerAbandon:
    """A caller left without being answered."""

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    position: Position
    original_position: Annotated[int, number("OriginalPosition")]
    wait_seconds: Annotated[int, number("HoldTime")]
    wanted_queue: WantedQueue


# -- an offer to an agent


@dataclass(frozen=True, slots=True)
class AgentCalled:
    """A queue rings a member for a caller. ``agent_uniqueid`` is the leg to the member."""

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    caller_number: CallerNumber
    caller_name: CallerName
    agent_channel: AgentChannel
    agent_uniqueid: AgentUniqueid
    interface: Interface
    member_name: MemberName


@dataclass(frozen=True, slots=True)
class AgentRingNoAnswer:
    """A member did not take the offer; 0 ms: refused."""

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    agent_uniqueid: AgentUniqueid
    interface: Interface
    member_name: MemberName
    ring_milliseconds: Annotated[int, number("RingTime")]  # measured; the documentation says seconds


@dataclass(frozen=True, slots=True)
class AgentConnect:
    """A member answered a caller who had waited ``wait_seconds``; the member's phone rang for ``ring_seconds``."""

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    agent_channel: AgentChannel
    agent_uniqueid: AgentUniqueid
    interface: Interface
    member_name: MemberName
    wait_seconds: Annotated[int, number("HoldTime")]
    ring_seconds: Annotated[int, number("RingTime")]


@dataclass(frozen=True, slots=True)
class AgentComplete:
    """The conversation of caller and member is over. ``reason``: ``caller``, ``agent`` or ``transfer``."""

    queue: Queue
    uniqueid: Uniqueid
    linkedid: Linkedid
    agent_uniqueid: AgentUniqueid
    interface: Interface
    member_name: MemberName
    wait_seconds: Annotated[int, number("HoldTime")]
    talk_seconds: Annotated[int, number("TalkTime")]
    reason: Annotated[str, text("Reason")]


# -- members of queues


@dataclass(frozen=True, slots=True)
class QueueMember:
    """A member of a queue as of now; by itself a row of QueueStatus.

    ``device_status`` is Asterisk's device state: 1 not in use, 2 in use, 3 busy, 4 invalid, 5 unavailable,
    6 ringing, 7 ringing and in use, 8 on hold. ``membership``: ``dynamic``, ``realtime`` or ``static``.
    """

    queue: Queue
    interface: Interface
    member_name: MemberName
    state_interface: Annotated[str, text("StateInterface")]
    membership: Annotated[str, text("Membership")]
    penalty: Annotated[int, number("Penalty")]
    calls_taken: Annotated[int, number("CallsTaken")]
    last_call_at: Annotated[datetime | None, From(_instant, ("LastCall",))]
    in_call: Annotated[bool, From(_flag, ("InCall",))]
    device_status: Annotated[int, number("Status")]
    paused: Annotated[bool, From(_flag, ("Paused",))]
    paused_reason: Annotated[str, text("PausedReason")]
    wrap_up_seconds: Annotated[int, number("Wrapuptime")]


@dataclass(frozen=True, slots=True)
class QueueMemberAdded(QueueMember):
    """A member was put into a queue."""


@dataclass(frozen=True, slots=True)
class QueueMemberRemoved(QueueMember):
    """A member was taken out of a queue; the figures are the last ones."""


@dataclass(frozen=True, slots=True)
class QueueMemberPause(QueueMember):
    """A member was paused or unpaused in a queue; ``paused`` is the new state."""


@dataclass(frozen=True, slots=True)
class QueueMemberStatus(QueueMember):
    """The device of a member changed its state."""


# -- the other rows of QueueStatus


@dataclass(frozen=True, slots=True)
class QueueParams:
    """A queue as of now; counts since Asterisk started. ``max_callers`` 0: no limit."""

    queue: Queue
    strategy: Annotated[str, text("Strategy")]
    max_callers: Annotated[int, number("Max")]
    waiting: Annotated[int, number("Calls")]
    mean_wait_seconds: Annotated[int, number("Holdtime")]
    mean_talk_seconds: Annotated[int, number("TalkTime")]
    completed: Annotated[int, number("Completed")]
    abandoned: Annotated[int, number("Abandoned")]
    weight: Annotated[int, number("Weight")]


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A caller who waits now. The row has no linkedid. ``priority`` is QUEUE_PRIO."""

    queue: Queue
    uniqueid: Uniqueid
    channel: Channel
    caller_number: CallerNumber
    caller_name: CallerName
    position: Position
    wait_seconds: Annotated[int, number("Wait")]
    priority: Annotated[int, number("Priority")]


# -- devices, channels, the PBX


@dataclass(frozen=True, slots=True)
class DeviceStateChange:
    """``device`` (``PJSIP/seat-a``, ``Queue:consultation``...) is now ``state`` (``NOT_INUSE``, ``INUSE``...)."""

    device: Annotated[str, key("Device")]
    state: Annotated[str, key("State")]


@dataclass(frozen=True, slots=True)
class ContactStatus:
    """A registered address of a seat: ``NonQualified``, ``Reachable``, ``Unreachable``, ``Removed``, ``Updated``..."""

    aor: Annotated[str, key("AOR")]
    endpoint: Annotated[str, text("EndpointName")]
    uri: Annotated[str, text("URI")]
    contact_status: Annotated[str, key("ContactStatus")]
    roundtrip_microseconds: Annotated[int | None, From(_measurement, ("RoundtripUsec",))]


@dataclass(frozen=True, slots=True)
class Hangup:
    """A channel ended. ``cause``: Q.850 number (16 normal, 17 busy, 19 no answer; 0: none given)."""

    uniqueid: Uniqueid
    linkedid: Linkedid
    channel: Channel
    cause: Annotated[int, number("Cause")]
    cause_text: Annotated[str, text("Cause-txt")]


@dataclass(frozen=True, slots=True)
class FullyBooted:
    """Asterisk has loaded everything; sent once more after each log-in."""

    status: Annotated[str, text("Status")]
    uptime_seconds: Annotated[int, number("Uptime")]


# -- somebody guesses


def _source(value: str) -> str:
    """``IPV4/UDP/192.0.2.7/5060``: its address."""
    parts = value.split("/")
    return str(ip_address(parts[2])) if len(parts) == 4 else ""


@dataclass(frozen=True, slots=True)
class RefusedLogin:
    """A SIP telephone or an AMI client did not prove who it is. Names that it gave are the guesser's: not read."""

    service: Annotated[str, key("Service")]
    source: Annotated[str, From(_source, ("RemoteAddress",))]


@dataclass(frozen=True, slots=True)
class InvalidAccountID(RefusedLogin):
    """There is no such account."""


@dataclass(frozen=True, slots=True)
class InvalidPassword(RefusedLogin):
    """There is, and the password was wrong."""


@dataclass(frozen=True, slots=True)
class ChallengeResponseFailed(RefusedLogin):
    """The same, of a SIP account."""


# -- the table

Event = (
    QueueCallerJoin
    | QueueCallerLeave
    | QueueCallerAbandon
    | AgentCalled
    | AgentRingNoAnswer
    | AgentConnect
    | AgentComplete
    | QueueMember
    | QueueMemberAdded
    | QueueMemberRemoved
    | QueueMemberPause
    | QueueMemberStatus
    | QueueParams
    | QueueEntry
    | DeviceStateChange
    | ContactStatus
    | Hangup
    | FullyBooted
    | InvalidAccountID
    | InvalidPassword
    | ChallengeResponseFailed
)

EVENT_CLASSES: dict[str, type[Event]] = {event_class.__name__: event_class for event_class in Event.__args__}
"""Value of the ``Event`` header -> class; the names are the same."""

SUBSCRIBED = (
    "AgentCalled",
    "AgentComplete",
    "AgentConnect",
    "AgentRingNoAnswer",
    "ChallengeResponseFailed",
    "ContactStatus",
    "InvalidAccountID",
    "InvalidPassword",
    "QueueCallerAbandon",
    "QueueCallerJoin",
    "QueueCallerLeave",
)
"""What the event session is sent at all (manager.conf's eventfilter): exactly what a handler wants."""


def _reading_plan(event_class: type[Event]) -> list[tuple[str, From]]:
    hints = get_type_hints(event_class, include_extras=True)
    return [(field.name, hints[field.name].__metadata__[0]) for field in fields(event_class)]


_PLANS = {event_class: _reading_plan(event_class) for event_class in EVENT_CLASSES.values()}


def parse_event(headers: Mapping[str, str]) -> Event | None:
    """The typed event of these headers, or None for a kind nobody subscribed to.

    Headers that only inform may be missing. Raises EventMalformed when one that names something (queue, uniqueid...)
    is missing or a number is none; the error tells which header, not its value.
    """
    event_class = EVENT_CLASSES.get(headers.get("Event", ""))
    if event_class is None:
        return None
    values: dict[str, Any] = {}
    for field_name, (read, names) in _PLANS[event_class]:
        raw = next((headers[name] for name in names if name in headers), "")
        try:
            values[field_name] = read(raw)
        except ValueError as error:
            kind = event_class.__name__
            raise EventMalformed(f"{kind} has no usable {names[0]}", event_kind=kind, header=names[0]) from error
    return event_class(**values)
