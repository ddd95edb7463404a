"""AMI events as typed facts: raw headers end here.

Each field says which header it comes from and how strictly it is read (event_fields.py). Header names and units were
read off Asterisk 22.10; they are its documentation's, except where a comment says so. Which events arrive at all is
decided by the ``eventfilter`` lines of manager.conf.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, get_type_hints

from callcenter.asterisk import variables
from callcenter.asterisk.errors import EventMalformed
from callcenter.asterisk.event_fields import (
    AgentChannel,
    AgentUniqueid,
    CallerName,
    CallerNumber,
    Channel,
    From,
    Interface,
    Linkedid,
    MemberName,
    Position,
    Queue,
    Uniqueid,
    WantedQueue,
    channel_variable,
    flag,
    instant,
    key,
    measurement,
    number,
    text,
    whole_number,
)
from callcenter.asterisk.security_events import REFUSED_LOGINS, RefusedLogin

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
    priority: Annotated[int, channel_variable(variables.PRIORITY, whole_number)]


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
    wanted_queue: WantedQueue


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
    wanted_queue: WantedQueue
    wait_seconds: Annotated[int, number("HoldTime")]
    ring_seconds: Annotated[int, number("RingTime")]


@dataclass(frozen=True, slots=True)
class AgentComplete:
    """The conversation of caller and member is over. ``reason``: ``caller``, ``agent`` or ``transfer``.

    A busy Asterisk may have forgotten the channels by then: their ids are empty (seen on 22.10).
    """

    queue: Queue
    uniqueid: Annotated[str, text("Uniqueid")]
    linkedid: Annotated[str, text("Linkedid")]
    agent_uniqueid: AgentUniqueid
    interface: Interface
    member_name: MemberName
    wait_seconds: Annotated[int, number("HoldTime")]
    talk_seconds: Annotated[int, number("TalkTime")]
    reason: Annotated[str, text("Reason")]


# -- a supervisor and an agent


@dataclass(frozen=True, slots=True)
class ChanSpyStart:
    """Somebody listens to a channel. ``spyer_uniqueid`` is the leg to who listens."""

    spyer_uniqueid: Annotated[str, key("SpyerUniqueid")]


@dataclass(frozen=True, slots=True)
class ChanSpyStop:
    """And does so no more."""

    spyer_uniqueid: Annotated[str, key("SpyerUniqueid")]


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
    last_call_at: Annotated[datetime | None, From(instant, ("LastCall",))]
    in_call: Annotated[bool, From(flag, ("InCall",))]
    device_status: Annotated[int, number("Status")]
    paused: Annotated[bool, From(flag, ("Paused",))]
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
    roundtrip_microseconds: Annotated[int | None, From(measurement, ("RoundtripUsec",))]


@dataclass(frozen=True, slots=True)
class Hangup:
    """A channel ended. ``cause``: Q.850 number (16 normal, 17 busy, 19 no answer; 0: none given)."""

    uniqueid: Uniqueid
    linkedid: Linkedid
    channel: Channel
    cause: Annotated[int, number("Cause")]
    cause_text: Annotated[str, text("Cause-txt")]


@dataclass(frozen=True, slots=True)
class UserEvent:
    """Our own, from the dialplan: ``name`` says which, ``state`` and ``kind`` what. ``seat``: whom it is for, if not
    whose channel this is."""

    name: Annotated[str, key("UserEvent")]
    uniqueid: Uniqueid
    linkedid: Linkedid
    channel: Channel
    state: Annotated[str, text("State")]
    kind: Annotated[str, text("Kind")]
    seat: Annotated[str, text("Seat")]


@dataclass(frozen=True, slots=True)
class FullyBooted:
    """Asterisk has loaded everything; sent once more after each log-in."""

    status: Annotated[str, text("Status")]
    uptime_seconds: Annotated[int, number("Uptime")]


# -- the table

Event = (
    QueueCallerJoin
    | QueueCallerLeave
    | QueueCallerAbandon
    | AgentCalled
    | AgentRingNoAnswer
    | AgentConnect
    | AgentComplete
    | ChanSpyStart
    | ChanSpyStop
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
    | UserEvent
    | FullyBooted
    | RefusedLogin
)

EVENT_CLASSES: dict[str, type[Event]] = {
    **{event_class.__name__: event_class for event_class in Event.__args__ if event_class is not RefusedLogin},
    **dict.fromkeys(REFUSED_LOGINS, RefusedLogin),
}
"""Value of the ``Event`` header -> class; the names are the same but for those that tell the same."""

SUBSCRIBED = (
    "AgentCalled",
    "AgentComplete",
    "AgentConnect",
    "AgentRingNoAnswer",
    "ChanSpyStart",
    "ChanSpyStop",
    "ContactStatus",
    "Hangup",
    "QueueCallerAbandon",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "UserEvent",
    *REFUSED_LOGINS,
)
"""What the event session is sent at all (manager.conf's eventfilter): exactly what a handler wants."""


def _reading_plan(event_class: type[Event]) -> list[tuple[str, From]]:
    hints = get_type_hints(event_class, include_extras=True)
    return [(field.name, hints[field.name].__metadata__[0]) for field in fields(event_class)]


_PLANS = {event_class: _reading_plan(event_class) for event_class in Event.__args__}


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
            kind = headers["Event"]
            raise EventMalformed(f"{kind} has no usable {names[0]}", event_kind=kind, header=names[0]) from error
    return event_class(**values)
