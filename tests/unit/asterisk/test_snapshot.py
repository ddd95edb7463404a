"""What a PBX says of itself, read over AMI as Asterisk 22.10 writes it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from callcenter.asterisk.errors import AmiActionFailed
from callcenter.asterisk.snapshot import read_queues, read_snapshot, read_start
from callcenter.core.clock import now
from tests.support.ami_peer import Action, AmiLink, AmiPeer, session

MEMBER = {"Queue": "vip", "Name": "agent-1001", "Location": "PJSIP/seat-rose", "Status": "1", "InCall": "0"}
ENTRY = {"Queue": "vip", "Uniqueid": "pbx1-1763754631.12", "Position": "1", "Wait": "30", "Priority": "2087000000"}
LISTS: dict[str, list[dict[str, str]]] = {
    "QueueStatus": [
        {"Event": "QueueParams", "Queue": "vip", "Max": "0", "Calls": "1"},
        {"Event": "QueueMember", **MEMBER},
        {"Event": "QueueMember", **MEMBER, "Name": "bot", "Location": "Local/1@x/n"},
        {"Event": "QueueEntry", **ENTRY},
    ],
    "PJSIPShowContacts": [
        {"Event": "ContactList", "Endpoint": "seat-rose", "Status": "Reachable"},
        {"Event": "ContactList", "Endpoint": "seat-lotus", "Status": "Unreachable"},
        {"Event": "ContactList", "Endpoint": "seat-maple", "Status": "NonQualified"},
        {"Event": "ContactList", "Endpoint": "", "Status": "Reachable"},
    ],
}


def lists(link: AmiLink, action: Action) -> bool:
    rows = LISTS.get(action["Action"])
    if rows is None:
        return False
    link.respond(action, EventList="start", Message="follows")
    for row in rows:
        link.event(row["Event"], **{k: v for k, v in row.items() if k != "Event"}, ActionID=action["ActionID"])
    link.event(f"{action['Action']}Complete", ActionID=action["ActionID"], EventList="Complete", ListItems="4")
    return True


@pytest.fixture
async def peer() -> AsyncIterator[AmiPeer]:
    async with AmiPeer() as peer:
        peer.on_action = lists
        yield peer


async def test_members_and_waiting_callers(peer: AmiPeer) -> None:
    """Members that are no seat of ours are left out: nothing would ever correct them."""
    async with session(peer) as ami:
        members, entries = await read_queues(ami)
    assert [(member.member_name, member.interface) for member in members] == [("agent-1001", "PJSIP/seat-rose")]
    assert [(entry.uniqueid, entry.wait_seconds, entry.priority) for entry in entries] == [
        ("pbx1-1763754631.12", 30, 2087000000)
    ]


async def test_a_snapshot_also_tells_which_phones_can_be_reached(peer: AmiPeer) -> None:
    async with session(peer) as ami:
        snapshot = await read_snapshot(ami)
    assert snapshot.contacts == {"seat-rose", "seat-maple"}
    assert (len(snapshot.members), len(snapshot.entries)) == (1, 1)


async def test_a_pbx_without_phones_is_no_fault(peer: AmiPeer) -> None:
    def nobody(link: AmiLink, action: Action) -> bool:
        if action["Action"] != "PJSIPShowContacts":
            return lists(link, action)
        link.respond(action, "Error", Message="No Contacts found")
        return True

    peer.on_action = nobody
    async with session(peer) as ami:
        assert (await read_snapshot(ami)).contacts == frozenset()


@pytest.mark.parametrize("output", ["System uptime: 3600\r\nLast reload: 12", "System uptime: 3600"])
async def test_when_it_was_started(peer: AmiPeer, output: str) -> None:
    def tells(link: AmiLink, action: Action) -> bool:
        lines = "".join(f"Output: {line}\r\n" for line in output.split("\r\n"))
        link.write(f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: follows\r\n{lines}\r\n")
        return True

    peer.on_action = tells
    before = now()
    async with session(peer) as ami:
        start = await read_start(ami)
    assert before <= start.earliest + timedelta(seconds=3601) <= start.latest + timedelta(seconds=3600) <= now()
    assert peer.seen("Command")[0]["Command"] == "core show uptime seconds"


async def test_an_asterisk_that_does_not_tell(peer: AmiPeer) -> None:
    async with session(peer) as ami:
        with pytest.raises(AmiActionFailed):
            await read_start(ami)
