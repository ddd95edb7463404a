"""AmiSession against a server that speaks AMI."""

import asyncio
import contextlib
import itertools
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import LogCapture

from callcenter.asterisk import ami_protocol, manager
from callcenter.asterisk.errors import AmiActionFailed, AmiRefused, AmiTimeout, AmiUnavailable
from callcenter.asterisk.manager import AmiSession
from tests.support.ami_peer import SECRET, Action, AmiLink, AmiPeer, eventually, message, session, silent


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the two modules log, whatever another test has configured."""
    capture = LogCapture()
    logger = structlog.wrap_logger(None, processors=[capture])
    monkeypatch.setattr(manager, "log", logger)
    monkeypatch.setattr(ami_protocol, "log", logger)
    return capture.entries


# -- lists


def _queue_status(link: AmiLink, action: dict[str, str]) -> bool:
    number = action["ActionID"]
    link.respond(action, EventList="start", Message="Queue status will follow")
    link.event("QueueParams", Queue="consultation", ActionID=number)
    link.event("Hangup", Uniqueid="1.1")
    link.event("QueueEntry", Queue="consultation", ActionID=number)
    link.event("QueueStatusComplete", ActionID=number, EventList="Complete", ListItems="2")
    return True


async def test_a_list_is_its_rows_and_events_between_them_stay_events() -> None:
    events: list[str] = []
    async with AmiPeer() as peer, session(peer, on_event=lambda event: events.append(event["Event"])) as ami:
        peer.on_action = _queue_status
        rows = await ami.send_list("QueueStatus")
        assert [row["Event"] for row in rows] == ["QueueParams", "QueueEntry"]
        assert events == ["Hangup"]


def _nothing_or_denied(link: AmiLink, action: dict[str, str]) -> bool:
    nothing = action["Action"] == "PJSIPShowContacts"
    link.respond(action, "Error", Message="No Contacts found\n" if nothing else "Permission denied")
    return True


async def test_a_list_of_nothing_is_empty_and_a_refused_one_an_error() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = _nothing_or_denied
        assert await ami.send_list("PJSIPShowContacts") == []
        with pytest.raises(AmiActionFailed, match="Permission denied"):
            await ami.send_list("QueueStatus")
        with pytest.raises(AmiActionFailed, match="Permission denied"):
            await ami.command("core show channels")
        assert not (await ami.send("QueueAdd")).success


async def test_rows_that_come_after_the_time_out_are_no_events() -> None:
    events: list[str] = []
    async with AmiPeer() as peer, session(peer, on_event=lambda event: events.append(event["Event"])) as ami:
        peer.on_action = silent
        with pytest.raises(AmiTimeout):
            await ami.send_list("QueueStatus", timeout_seconds=0.05)
        _queue_status(peer.link, peer.seen("QueueStatus")[0])
        await eventually(lambda: events)
        assert events == ["Hangup"]


async def test_a_list_that_asterisk_breaks_off_is_an_error() -> None:
    def cancelled(link: AmiLink, action: dict[str, str]) -> bool:
        link.respond(action, EventList="start")
        link.event("CoreShowChannelsComplete", ActionID=action["ActionID"], EventList="Cancelled")
        return True

    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = cancelled
        with pytest.raises(AmiActionFailed):
            await ami.send_list("CoreShowChannels")


# -- limits of an action


async def test_a_line_is_at_most_1024_bytes_with_its_end() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        name = "MemberName"
        fits = "医" * ((1022 - len(f"{name}: ")) // 3)
        await ami.send("QueueAdd", {name: fits})
        assert peer.seen("QueueAdd")[0][name] == fits
        with pytest.raises(AmiRefused):
            await ami.send("QueueAdd", {name: fits + "医"})


async def test_an_action_has_at_most_128_headers() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        variables = [f"V{n}=1" for n in range(126)]
        assert (await ami.send("UserEvent", {"Variable": variables})).success
        with pytest.raises(AmiRefused):
            await ami.send("UserEvent", {"Variable": [*variables, "V126=1"]})


@pytest.mark.parametrize(
    "headers", [{"Action": "Hangup"}, {"action": "x"}, {"A: b": "c"}, {"A\r\nB": "c"}, {"A": "\ud800"}]
)
async def test_headers_that_asterisk_would_misread_are_refused(headers: dict[str, str]) -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        with pytest.raises(AmiRefused):
            await ami.send("UserEvent", headers)
        assert not peer.seen("UserEvent")


async def test_an_action_id_in_use_is_refused() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = silent
        first = asyncio.create_task(ami.send("UserEvent", {"ActionID": "mine"}))
        await eventually(lambda: peer.seen("UserEvent"))
        with pytest.raises(AmiRefused):
            await ami.send("UserEvent", {"ActionID": "mine"})
        peer.link.respond({"ActionID": "mine"}, Message="thanks")
        assert (await first).message == "thanks"


# -- the link


async def test_reconnects_are_told_and_waited_for() -> None:
    told: list[str] = []
    async with (
        AmiPeer() as peer,
        session(
            peer, on_connected=lambda: told.append("up"), on_disconnected=lambda: told.append("down"), name="events"
        ) as ami,
    ):
        peer.stop()
        await eventually(lambda: told == ["up", "down"])
        with pytest.raises(AmiUnavailable) as unsent:
            await ami.wait_connected(0.05)
        assert not unsent.value.sent
        await peer.listen()
        await ami.wait_connected(10)
        assert (await ami.send("Status")).success
        await ami.close()
        assert told == ["up", "down", "up", "down"]


async def test_connected_is_who_asterisk_knows_all_actions_for() -> None:
    asked: list[tuple[AmiLink, Action]] = []

    def boots(link: AmiLink, action: Action) -> bool:
        asked.append((link, action))
        return True

    async with AmiPeer() as peer:
        peer.on_action = boots
        ami = AmiSession(host="127.0.0.1", port=peer.port, username="u", secret=SECRET, name="test", booted=True)
        running = asyncio.create_task(ami.run())
        try:
            await eventually(lambda: asked)
            link, action = asked[0]
            assert (action["Command"], ami.connected) == ("core waitfullybooted", False)
            link.respond(action, Message="Command output follows", Output="Asterisk has fully booted.")
            await ami.wait_connected(10)
        finally:
            await ami.close()
            await running


async def test_a_link_callback_that_raises_does_not_end_the_session(logged: list[Any]) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async with AmiPeer() as peer, session(peer, on_connected=fail, on_disconnected=fail) as ami:
        peer.link.drop()
        await eventually(lambda: len(peer.links) == 2 and ami.connected)
        assert "ami_link_callback_failed" in [entry["event"] for entry in logged]


async def test_events_are_asked_for_only_with_a_callback() -> None:
    async with AmiPeer() as peer, session(peer), session(peer, on_event=lambda _: None):
        assert [login["Events"] for login in peer.seen("Login")] == ["off", "on"]


async def test_close_ends_run_and_fails_what_is_open() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = silent
        open_action = asyncio.create_task(ami.send("Status"))
        await eventually(lambda: peer.seen("Status"))
        await ami.close()
        with pytest.raises(AmiUnavailable):
            await open_action
        await eventually(lambda: peer.link.closed)
        await ami.close()
        await ami.run()  # closed for good
        assert len(peer.links) == 1


async def test_close_does_not_wait_for_a_login() -> None:
    async with AmiPeer() as peer:
        peer.login_reply = None
        ami = AmiSession(host="127.0.0.1", port=peer.port, username="u", secret=SECRET, name="test")
        running = asyncio.create_task(ami.run())
        await eventually(lambda: peer.seen("Login"))
        await ami.close()
        await running
        await eventually(lambda: peer.link.closed)


async def test_cancelling_run_closes_the_link() -> None:
    async with AmiPeer() as peer:
        ami = AmiSession(host="127.0.0.1", port=peer.port, username="u", secret=SECRET, name="test")
        running = asyncio.create_task(ami.run())
        await ami.wait_connected(10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not ami.connected
        await eventually(lambda: peer.link.closed)


async def test_credentials_that_no_line_can_carry_are_refused() -> None:
    with pytest.raises(AmiRefused):
        await AmiSession(host="127.0.0.1", port=1, username="u", secret="a\nb", name="test").run()


async def test_an_endless_message_cuts_the_link(monkeypatch: pytest.MonkeyPatch, logged: list[Any]) -> None:
    monkeypatch.setattr(ami_protocol, "MAX_MESSAGE_BYTES", 10_000)
    async with AmiPeer() as peer, session(peer) as ami:
        first = peer.link

        def keeps_writing_until_cut() -> bool:
            first.write("x" * 1000)
            return first.closed

        await eventually(keeps_writing_until_cut)
        await eventually(lambda: len(peer.links) == 2 and ami.connected)
        assert "ami_message_without_end" in [entry["event"] for entry in logged]


# -- memory and secrets


async def test_a_session_keeps_nothing_of_what_is_over() -> None:
    async with AmiPeer() as peer, session(peer, on_event=lambda _: None) as ami:
        assert ami._link is not None
        for _ in range(300):
            await ami.send("Status")
            peer.link.event("Hangup", Uniqueid="1.1")
            peer.link.write(message(Response="Success", ActionID="nobody-asked"))
        peer.on_action = silent
        late = [asyncio.create_task(ami.send("Status", timeout_seconds=0.05)) for _ in range(300)]
        await asyncio.wait(late)
        assert {type(task.exception()) for task in late} == {AmiTimeout}
        link = ami._link
        assert not [action for action in link.protocol.responses.values() if action.name == "Status"]
        assert not link.awaiting_actions
        assert len(link.protocol._buffer) < 1000


async def test_the_secret_is_in_no_log_and_no_repr(
    logged: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "REFUSED_RETRY_SECONDS", 0.01)
    with caplog.at_level(logging.DEBUG):
        async with AmiPeer() as peer:
            peer.login_reply = ("Error", "Authentication failed")
            ami = AmiSession(host="127.0.0.1", port=peer.port, username="u", secret=SECRET, name="test")
            running = asyncio.create_task(ami.run())
            await eventually(lambda: [entry for entry in logged if entry["event"] == "ami_login_refused"])
            peer.login_reply = None
            await eventually(lambda: peer.link.actions and not peer.link.closed)
            assert SECRET in repr(peer.link.actions)
            peer.link.drop()
            peer.login_reply = ("Success", "")
            await ami.wait_connected(10)
            action = ami._new_action("Login", ami._credentials)
            texts = [repr(ami), repr(action), str(action), repr(running), repr(ami._link), repr(logged), caplog.text]
            await ami.close()
            await running
    assert SECRET not in "".join(texts)


# -- whatever comes over the wire


@st.composite
def _events_in_chunks(draw: st.DrawFn) -> tuple[list[str], list[bytes]]:
    names = draw(st.lists(st.text(st.characters(exclude_characters="\r\n\x00", codec="utf-8")), min_size=1, max_size=5))
    stream = "".join(message(Event="QueueMemberAdded", MemberName=name) for name in names).encode()
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    bounds = [0, *cuts, len(stream)]
    return names, [stream[start:end] for start, end in itertools.pairwise(bounds)]


def _protocol(events: list[Any]) -> ami_protocol.AmiProtocol:
    link = ami_protocol.AmiManager(host="127.0.0.1", port=1, list_id_prefix="list-", on_event=events.append)
    return link._make_protocol()


@settings(deadline=None)
@given(_events_in_chunks())
def test_any_split_gives_the_same_events(case: tuple[list[str], list[bytes]]) -> None:
    names, chunks = case

    async def feed() -> list[Any]:
        events: list[Any] = []
        protocol = _protocol(events)
        for chunk in chunks:
            protocol.data_received(chunk)
        return events

    assert [event["MemberName"] for event in asyncio.run(feed())] == names


WIRE = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [b"\r\n", b"\r\n\r\n", b"Response: ", b"Event: ", b"ActionID: a1\r\n", b": ", b"EventList: Complete"]
    ),
)


@settings(deadline=None)
@given(st.lists(WIRE, max_size=20))
def test_no_bytes_make_the_protocol_raise(chunks: list[bytes]) -> None:
    async def feed() -> None:
        protocol = _protocol([])
        protocol.responses["a1"] = ami_protocol.AmiAction("QueueStatus", action_id="a1", is_list=True)
        for chunk in chunks:
            protocol.data_received(chunk)

    asyncio.run(feed())


@settings(deadline=None, max_examples=25)
@given(st.lists(WIRE, max_size=6))
def test_garbage_costs_a_session_nothing_but_that_link(chunks: list[bytes]) -> None:
    async def spoil_then_use() -> None:
        async with AmiPeer() as peer, session(peer, on_event=lambda _: None) as ami:
            with contextlib.suppress(OSError):
                for chunk in chunks:
                    peer.link.write(chunk)
                await peer.link.drained()
            peer.link.drop()
            await eventually(lambda: len(peer.links) == 2 and ami.connected)
            assert (await ami.send("Status")).success

    asyncio.run(spoil_then_use())
