"""What a PBX says of itself now: read after every (re)connect, because AMI replays nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.asterisk.commands import seat_of
from callcenter.asterisk.errors import AmiActionFailed
from callcenter.asterisk.events import QueueEntry, QueueMember, parse_event
from callcenter.asterisk.live_channels import LiveChannel, read_channels
from callcenter.asterisk.manager import AmiSession
from callcenter.core.clock import now

_UNREACHABLE = "Unreachable"
_UPTIME = re.compile(r"^System uptime: (\d+)")


@dataclass(frozen=True, slots=True)
class PbxSnapshot:
    """``contacts``: seats with a reachable telephone. ``channels``: all there are. Members that are no seat of ours are
    left out."""

    members: tuple[QueueMember, ...]
    entries: tuple[QueueEntry, ...]
    contacts: frozenset[str]
    channels: tuple[LiveChannel, ...]


async def read_queues(ami: AmiSession) -> tuple[tuple[QueueMember, ...], tuple[QueueEntry, ...]]:
    """Members and waiting callers of all queues. Raises AmiUnavailable, AmiTimeout."""
    rows = [parse_event(headers) for headers in await ami.send_list("QueueStatus")]
    members = tuple(row for row in rows if isinstance(row, QueueMember) and seat_of(row.interface))
    entries = tuple(row for row in rows if isinstance(row, QueueEntry))
    return members, entries


async def read_snapshot(ami: AmiSession) -> PbxSnapshot:
    """Queues and registered seats. Raises AmiUnavailable, AmiTimeout."""
    members, entries = await read_queues(ami)
    contacts = await ami.send_list("PJSIPShowContacts")
    channels = await read_channels(ami)
    return PbxSnapshot(members, entries, frozenset(_seats(contacts)), tuple(channels))


async def read_linkedids(ami: AmiSession) -> set[str]:
    """The calls that Asterisk has channels of, by linkedid. Raises AmiUnavailable, AmiTimeout."""
    return {row["Linkedid"] for row in await ami.send_list("CoreShowChannels") if row.get("Linkedid")}


@dataclass(frozen=True, slots=True)
class PbxStart:
    """An Asterisk was started between these two, and it is known no better."""

    earliest: datetime
    latest: datetime


async def read_start(ami: AmiSession) -> PbxStart:
    """When this Asterisk was started.

    Its console tells whole seconds of uptime, rounded down. Raises AmiUnavailable, AmiTimeout, AmiActionFailed.
    """
    asked_at = now()
    lines = await ami.command("core show uptime seconds")
    found = next((match for line in lines if (match := _UPTIME.match(line))), None)
    if found is None:
        raise AmiActionFailed("Asterisk does not tell its uptime")
    uptime = timedelta(seconds=int(found[1]))
    return PbxStart(asked_at - uptime - timedelta(seconds=1), now() - uptime)


def _seats(contacts: list[Mapping[str, str]]) -> set[str]:
    return {row["Endpoint"] for row in contacts if row.get("Status") != _UNREACHABLE and row.get("Endpoint")}
