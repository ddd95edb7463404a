"""Every AMI fault of stock panoramisk 1.4 and its cure, side by side.

``test_stock_*`` shows that the fault is there, so that the test beside it is known to be able to fail; when a new
panoramisk mends one, that test tells.
"""

import asyncio
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from panoramisk.call_manager import CallManager
from panoramisk.manager import Manager
from panoramisk.message import Message

from callcenter.asterisk import ami_protocol, manager
from callcenter.asterisk.errors import AmiRefused, AmiTimeout, AmiUnavailable
from tests.support.ami_peer import SECRET, AmiPeer, eventually, message, session, silent, stock_manager

DOCTOR = "张伟医生"
SPLIT_EVENT = message(Event="QueueMemberAdded", MemberName=DOCTOR).encode()
NOT_SOON = 0.3
"""How long a test waits for what never comes."""


def _cuts() -> Iterator[tuple[bytes, bytes]]:
    for cut in range(1, len(SPLIT_EVENT)):
        yield SPLIT_EVENT[:cut], SPLIT_EVENT[cut:]


# -- UTF-8 split across TCP chunks


async def test_stock_panoramisk_loses_split_utf8() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        names: list[str] = []
        stock.register_event("QueueMemberAdded", lambda _, event: names.append(event.MemberName))
        for first, second in _cuts():
            stock.protocol.data_received(first)
            stock.protocol.data_received(second)
        assert names.count(DOCTOR) < len(names)


async def test_utf8_split_at_any_byte_arrives_whole() -> None:
    names: list[str] = []
    async with AmiPeer() as peer, session(peer, on_event=lambda event: names.append(event["MemberName"])) as ami:
        assert ami._link is not None
        for first, second in _cuts():
            ami._link.protocol.data_received(first)
            ami._link.protocol.data_received(second)
        assert names == [DOCTOR] * (len(SPLIT_EVENT) - 1)


# -- a value that holds a second action

INJECTION = "seat-a\r\n\r\nAction: Hangup\r\nChannel: /.*/"


async def test_stock_panoramisk_sends_an_injected_action() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        stock.send_action({"Action": "QueueAdd", "Queue": "q", "Interface": INJECTION})
        await eventually(lambda: peer.seen("Hangup"))


@pytest.mark.parametrize("value", [INJECTION, "a\nb", "a\rb", "a\x00b"])
async def test_values_with_line_ends_are_refused(value: str) -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        with pytest.raises(AmiRefused) as refused:
            await ami.send("QueueAdd", {"Queue": "q", "Interface": value})
        with pytest.raises(AmiRefused):
            await ami.send("Originate", {"Async": "true", "Variable": ["A=1", value]})
        assert value not in str(refused.value) + repr(refused.value.details)
        assert await ami.send("Status")
        assert [action["Action"] for action in peer.link.actions if action["Action"] not in ("Login", "Ping")] == [
            "Status"
        ]


# -- unanswered actions after a lost connection


async def test_stock_panoramisk_originates_again_after_a_reconnect() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        peer.on_action = silent
        stock.send_action({"Action": "Originate", "Channel": "PJSIP/seat-a", "Async": "true"})
        await eventually(lambda: peer.seen("Originate"))
        peer.link.drop()
        await eventually(lambda: not stock._connected)
        stock.connect()
        await eventually(lambda: len(peer.links) == 2)
        await eventually(lambda: peer.link.actions)
        peer.link.event("FullyBooted")
        await eventually(lambda: len(peer.seen("Originate")) == 2)


async def test_nothing_is_sent_again_after_a_reconnect() -> None:
    async with AmiPeer() as peer, session(peer, on_event=lambda _: None) as ami:
        peer.on_action = silent
        dialled = asyncio.create_task(ami.send("Originate", {"Channel": "PJSIP/seat-a", "Async": "true"}))
        await eventually(lambda: peer.seen("Originate"))
        peer.link.drop()
        with pytest.raises(AmiUnavailable) as lost:
            await dialled
        assert lost.value.sent  # Asterisk may have done it
        peer.on_action = lambda link, action: False
        await eventually(lambda: len(peer.links) == 2 and ami.connected)
        peer.link.event("FullyBooted")
        await ami.send("Status")  # what would be sent again was sent before this
        assert len(peer.seen("Originate")) == 1


# -- actions that never end, or leak


async def test_stock_panoramisk_waits_for_an_answer_for_ever() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        peer.on_action = silent
        answer = stock.send_action({"Action": "Status"})
        done, _ = await asyncio.wait({answer}, timeout=NOT_SOON)
        assert not done
        answer.cancel()
        assert stock.protocol.responses  # and it leaks


async def test_an_unanswered_action_times_out_and_leaves_nothing() -> None:
    async with AmiPeer() as peer, session(peer, action_timeout_seconds=0.05) as ami:
        peer.on_action = silent
        with pytest.raises(AmiTimeout) as late:
            await ami.send("Status")
        assert late.value.sent
        cancelled = asyncio.create_task(ami.send("Status", timeout_seconds=60))
        await eventually(lambda: len(peer.seen("Status")) == 2)
        cancelled.cancel()
        await asyncio.wait({cancelled})
        assert ami._link is not None
        assert not [action for action in ami._link.protocol.responses.values() if action.name == "Status"]


async def test_stock_panoramisk_never_ends_queue_add() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        peer.on_action = _adds_to_queue
        done, _ = await asyncio.wait({stock.send_action({"Action": "QueueAdd", "Queue": "q"})}, timeout=NOT_SOON)
        assert peer.seen("QueueAdd")
        assert not done


async def test_queue_add_ends_with_its_answer() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = _adds_to_queue
        response = await ami.send("QueueAdd", {"Queue": "q", "Interface": "PJSIP/seat-a"})
        assert (response.success, response.message) == (True, "Added interface to queue")


def _adds_to_queue(link: Any, action: dict[str, str]) -> bool:
    link.respond(action, Message="Added interface to queue")
    return True


async def test_stock_panoramisk_waits_for_ever_while_disconnected() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        peer.stop()
        await eventually(lambda: not stock._connected)
        done, _ = await asyncio.wait({stock.send_action({"Action": "Status"})}, timeout=NOT_SOON)
        assert not done


async def test_sending_while_disconnected_fails_at_once() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.stop()
        await eventually(lambda: not ami.connected)
        with pytest.raises(AmiUnavailable) as unsent:
            await ami.send("Status")
        assert not unsent.value.sent


# -- what kills the connection


async def test_stock_panoramisk_dies_of_a_callback() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        stock.register_event("*", lambda *_: 1 / 0)
        peer.link.event("Hangup")
        await eventually(lambda: peer.link.closed)


async def test_a_callback_that_raises_costs_one_event() -> None:
    seen: list[str] = []

    def count(event: Any) -> None:
        seen.append(event["Event"])
        raise ZeroDivisionError

    async with AmiPeer() as peer, session(peer, on_event=count) as ami:
        peer.link.event("Hangup")
        peer.link.event("Hangup")
        await eventually(lambda: len(seen) == 2)
        assert ami.connected
        assert len(peer.links) == 1


async def test_stock_panoramisk_dies_of_a_synchronous_originate() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        peer.on_action = _queues_originate
        stock.send_action({"Action": "Originate", "Channel": "PJSIP/seat-a"})
        await eventually(lambda: peer.link.closed)


@pytest.mark.parametrize("headers", [{}, {"Async": "false"}, {"async": "no"}])
async def test_a_synchronous_originate_is_refused(headers: dict[str, str]) -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = _queues_originate
        with pytest.raises(AmiRefused):
            await ami.send("Originate", {"Channel": "PJSIP/seat-a", **headers})
        assert (await ami.send("Originate", {"Channel": "PJSIP/seat-a", "Async": "true"})).success
        assert len(peer.seen("Originate")) == 1


def _queues_originate(link: Any, action: dict[str, str]) -> bool:
    link.respond(action, Message="Originate successfully queued")
    return True


# -- a link that is dead or was never let in


async def test_stock_panoramisk_does_not_notice_a_half_open_link() -> None:
    async with AmiPeer() as peer, stock_manager(peer, ping_delay=0, ping_interval=1) as stock:
        peer.answers_pings = False
        await eventually(lambda: len(peer.seen("Ping")) >= 3)
        assert stock._connected
        assert len(peer.links) == 1


async def test_a_half_open_link_is_noticed_and_replaced() -> None:
    async with AmiPeer() as peer, session(peer, ping_interval_seconds=0.05) as ami:
        peer.answers_pings = False
        await eventually(lambda: peer.links[0].closed)
        peer.answers_pings = True
        await eventually(lambda: len(peer.links) > 1 and ami.connected)


async def test_stock_panoramisk_is_silent_about_a_refused_login(caplog: pytest.LogCaptureFixture) -> None:
    async with AmiPeer() as peer:
        peer.login_reply = ("Error", "Authentication failed")
        with caplog.at_level(logging.WARNING):
            async with stock_manager(peer, logged_in=False) as stock:
                await eventually(lambda: stock.pinger is not None and stock.authenticated_future is None)
                assert not stock.authenticated
        assert not caplog.records


async def test_a_refused_login_is_an_error_and_tried_again_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[dict[str, Any]] = []
    monkeypatch.setattr(
        manager,
        "log",
        SimpleNamespace(error=lambda event, **values: errors.append({"event": event, **values}), info=_ignore),
    )
    monkeypatch.setattr(manager, "REFUSED_RETRY_SECONDS", 0.05)
    async with AmiPeer() as peer:
        peer.login_reply = ("Error", "Authentication failed")
        ami = manager.AmiSession(host="127.0.0.1", port=peer.port, username="u", secret=SECRET, name="test")
        running = asyncio.create_task(ami.run())
        await eventually(lambda: errors)
        assert errors[0]["reason"] == "Authentication failed"
        assert not ami.connected
        peer.login_reply = ("Success", "Authentication accepted")
        await ami.wait_connected(10)
        await ami.close()
        await running
    assert SECRET not in repr(errors)


def _ignore(*_: Any, **__: Any) -> None:
    return None


async def test_stock_panoramisk_has_no_back_off() -> None:
    delays: list[float] = []
    loop = SimpleNamespace(call_later=lambda delay, _: delays.append(delay), call_soon=_ignore)
    stock = Manager(loop=loop)
    for _ in range(5):
        stock.connection_lost(None)
    assert len(set(delays)) == 1


def test_back_off_grows_to_a_limit_and_is_spread() -> None:
    full = [manager.retry_after_seconds(failures, 0.0) for failures in range(50)]
    assert full == sorted(full)
    assert full[0] == manager.FIRST_RETRY_SECONDS
    assert full[-1] == manager.LONGEST_RETRY_SECONDS
    assert manager.retry_after_seconds(3, 1.0) == full[3] / 2


# -- events


async def test_stock_panoramisk_runs_async_handlers_unordered_and_unbounded() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        order: list[int] = []

        async def slow_first(_: Any, event: Any) -> None:
            for _wait in range(100 - int(event.Position)):
                await asyncio.sleep(0)
            order.append(int(event.Position))

        stock.register_event("QueueEntry", slow_first)
        before = len(asyncio.all_tasks())
        stock.protocol.data_received("".join(message(Event="QueueEntry", Position=str(n)) for n in range(100)).encode())
        assert len(asyncio.all_tasks()) - before == 100
        await eventually(lambda: len(order) == 100)
        assert order != sorted(order)


async def test_events_keep_their_order_and_make_no_tasks() -> None:
    order: list[int] = []
    async with AmiPeer() as peer, session(peer, on_event=lambda event: order.append(int(event["Position"]))) as ami:
        assert ami._link is not None
        before = len(asyncio.all_tasks())
        data = "".join(message(Event="QueueEntry", Position=str(n)) for n in range(100)).encode()
        ami._link.protocol.data_received(data)
        assert len(asyncio.all_tasks()) == before
        assert order == list(range(100))


async def test_stock_panoramisk_takes_an_originate_response_for_the_answer() -> None:
    """Asterisk's OriginateResponse is an event with a Response header and the action's id."""
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        peer.on_action = _originate_response_first
        answer = await stock.send_action({"Action": "Originate", "Channel": "x", "Async": "true"}, as_list=False)
        assert answer.event == "OriginateResponse"


async def test_an_originate_response_is_an_event() -> None:
    events: list[Any] = []
    async with AmiPeer() as peer, session(peer, on_event=events.append) as ami:
        peer.on_action = _originate_response_first
        response = await ami.send("Originate", {"Channel": "x", "Async": "true", "ActionID": "attempt-1"})
        assert response.message == "Originate successfully queued"
        assert [(event["Event"], event["ActionID"]) for event in events] == [("OriginateResponse", "attempt-1")]


def _originate_response_first(link: Any, action: dict[str, str]) -> bool:
    link.event("OriginateResponse", ActionID=action["ActionID"], Response="Failure", Uniqueid="<unknown>")
    return _queues_originate(link, action)


# -- CLI output


async def test_stock_panoramisk_gives_cli_output_in_two_shapes() -> None:
    async with AmiPeer() as peer, stock_manager(peer) as stock:
        peer.on_action = _prints
        one = await stock.send_action({"Action": "Command", "Command": "1"}, as_list=False)
        two = await stock.send_action({"Action": "Command", "Command": "2"}, as_list=False)
        assert (type(one["Output"]), type(two["Output"])) == (str, list)


async def test_cli_output_is_lines() -> None:
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = _prints
        assert await ami.command("0") == []
        assert await ami.command("1") == ["line: 0"]
        assert await ami.command("3") == ["line: 0", "line: 1", "line: 2"]


def _prints(link: Any, action: dict[str, str]) -> bool:
    output = "".join(f"Output: line: {n}\r\n" for n in range(int(action["Command"])))
    head = f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: Command output follows\r\n"
    link.write(head + output + "\r\n")
    return True


# -- CallManager


async def test_stock_call_manager_merges_calls_of_one_second() -> None:
    stock = CallManager(loop=asyncio.get_running_loop())
    for uniqueid in ("1763754631.1", "1763754631.2"):
        stock.handle_calls(stock, Message({"Event": "Newchannel", "Uniqueid": uniqueid}))
    assert len(stock.calls_queues) == 1


def test_our_manager_is_not_built_on_call_manager() -> None:
    assert not issubclass(ami_protocol.AmiManager, CallManager)
