"""What a PBX says of itself now: read after every (re)connect, because AMI replays nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.asterisk.commands import seat_of
from callcenter.asterisk.events import QueueEntry, QueueMember, parse_event
from callcenter.asterisk.manager import AmiSession

_UNREACHABLE = "Unreachable"


@dataclass(frozen=True, slots=True)
class PbxSnapshot:
    """``contacts``: seats with a reachable telephone. Members that are no seat of ours are left out."""

    members: tuple[QueueMember, ...]
    entries: tuple[QueueEntry, ...]
    contacts: frozenset[str]


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
    return PbxSnapshot(members, entries, frozenset(_seats(contacts)))


def _seats(contacts: list[Mapping[str, str]]) -> set[str]:
    return {row["Endpoint"] for row in contacts if row.get("Status") != _UNREACHABLE and row.get("Endpoint")}
