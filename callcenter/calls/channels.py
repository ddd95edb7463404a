"""The channels of a call as their events tell them: when they rang, talked, heard music, hung up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callcenter.asterisk.ledger import CelRecord


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end``; never negative, whatever the clock did."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        return max(self.end - self.start, timedelta())

    def cut(self, start: datetime, end: datetime) -> "Span":
        """The part between ``start`` and ``end``."""
        return Span(max(self.start, start), min(self.end, end))

    @staticmethod
    def total(spans: Iterable["Span"]) -> timedelta:
        return sum((span.duration for span in spans), timedelta())


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay of one channel in one bridge."""

    bridge_id: str
    span: Span

    def meets(self, other: "Stay") -> bool:
        """Whether both were in one bridge at some time."""
        return (
            self.bridge_id == other.bridge_id
            and self.span.start <= other.span.end
            and other.span.start <= self.span.end
        )


@dataclass(slots=True)
class Channel:
    """One channel. ``is_own``: its CHAN_START is among the events (else it came from another call)."""

    uniqueid: str
    name: str
    started_at: datetime
    extension: str
    events: list[CelRecord] = field(default_factory=list)
    is_own: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    hangup_cause: int | None = None
    hangup_source: str = ""
    joined: Mapping[str, str] = field(default_factory=dict)
    """Bridges that Local channels make one: each to the name they go by together."""

    def stays(self, until: datetime) -> list[Stay]:
        """Its stays in bridges; one that has not ended counts up to its hang-up, else to ``until``."""
        stays: list[Stay] = []
        entered: tuple[str, datetime] | None = None
        for event in self.events:
            if event.kind == "BRIDGE_ENTER":
                if entered:
                    stays.append(Stay(entered[0], Span(entered[1], event.at)))
                bridge_id = str(event.extra.get("bridge_id", ""))
                entered = self.joined.get(bridge_id, bridge_id), event.at
            elif event.kind in ("BRIDGE_EXIT", "HANGUP") and entered:
                stays.append(Stay(entered[0], Span(entered[1], event.at)))
                entered = None
        if entered:
            stays.append(Stay(entered[0], Span(entered[1], max(until, entered[1]))))
        return stays

    def music(self, until: datetime) -> list[Span]:
        """When music on hold was played to it: waiting in a queue, or put on hold while bridged."""
        spans: list[Span] = []
        begun: datetime | None = None
        for event in self.events:
            if event.kind == "STREAM_BEGIN" and "class" in event.extra and begun is None:
                begun = event.at
            elif event.kind in ("STREAM_END", "HANGUP") and begun is not None:
                spans.append(Span(begun, event.at))
                begun = None
        if begun is not None:
            spans.append(Span(begun, max(until, begun)))
        return spans

    def shares(self, stay: Stay, until: datetime) -> bool:
        """Whether it was in the same bridge at some time of ``stay``."""
        return any(own.meets(stay) for own in self.stays(until))


def read_channels(events: Iterable[CelRecord]) -> dict[str, Channel]:
    """By uniqueid, in the order they began; ``events`` in the order of time."""
    channels: dict[str, Channel] = {}
    for event in events:
        channel = channels.get(event.uniqueid)
        if channel is None:
            channel = Channel(event.uniqueid, event.channel, event.at, event.extension)
            channels[event.uniqueid] = channel
        channel.events.append(event)
        if event.kind == "CHAN_START":
            channel.is_own = True
        elif event.kind == "ANSWER":
            channel.answered_at = channel.answered_at or event.at
        elif event.kind == "HANGUP":
            channel.ended_at = event.at
            cause = event.extra.get("hangupcause")
            channel.hangup_cause = cause if isinstance(cause, int) and 0 <= cause < 1_000 else None
            channel.hangup_source = str(event.extra.get("hangupsource", ""))
    return channels


def is_local(channel: Channel) -> bool:
    """Half of a Local channel: no telephone, only a joint between two bridges."""
    return channel.name.startswith("Local/")


def without_joints(channels: Mapping[str, Channel]) -> dict[str, Channel]:
    """The telephones among ``channels``; who talks through a Local channel is in one bridge with the other side."""
    joined: dict[str, str] = {}
    for bridges in _bridges_of_pairs(channels.values()):
        name = min(joined.get(bridge, bridge) for bridge in bridges)
        old = {joined.get(bridge, bridge) for bridge in bridges}
        joined |= {bridge: name for bridge, to in joined.items() if to in old}
        joined |= dict.fromkeys(bridges, name)
    telephones = {uniqueid: channel for uniqueid, channel in channels.items() if not is_local(channel)}
    for channel in telephones.values():
        channel.joined = joined
    return telephones


def _bridges_of_pairs(channels: Iterable[Channel]) -> list[set[str]]:
    pairs: dict[str, set[str]] = {}
    for channel in channels:
        if is_local(channel):
            entered = {
                str(event.extra.get("bridge_id", "")) for event in channel.events if event.kind == "BRIDGE_ENTER"
            }
            pairs.setdefault(channel.name.rpartition(";")[0], set()).update(entered)
    return [bridges for bridges in pairs.values() if bridges]


def overlap(first: Iterable[Span], second: Iterable[Span]) -> timedelta:
    """How long both lasted at once."""
    others = list(second)
    return Span.total(one.cut(other.start, other.end) for one in first for other in others)
