"""Every FastAGI fault of stock panoramisk 1.4, which is why callcenter/asterisk/fastagi.py exists.

The cures are in test_fastagi.py and test_agi_channel.py; each test here names its own.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from panoramisk.fast_agi import Application, Request
from panoramisk.utils import parse_agi_result

from tests.support.agi_peer import request_block


class _Spins(Exception):
    """The server reads an ended connection again and again, and nothing else in the process runs."""


class _EndedReader:
    """A connection that was opened and closed; it stops the server after many reads, or this test would hang."""

    reads = 0

    async def read(self, _size: int) -> bytes:
        self.reads += 1
        if self.reads > 10_000:
            raise _Spins
        return b""


async def test_stock_panoramisk_spins_for_ever_after_connect_and_close() -> None:
    """Cure: test_a_port_scan_costs_nothing."""
    reader = _EndedReader()
    others_ran: list[bool] = []
    asyncio.get_running_loop().call_soon(others_ran.append, True)
    with pytest.raises(_Spins):
        await Application().handler(reader, _no_writer())
    assert not others_ran


async def test_stock_panoramisk_does_not_route_query_strings() -> None:
    """Cure: test_request_gives_path_query_and_variables."""
    served: list[str] = []

    async def endpoint(request: Any) -> None:
        served.append(request.headers["agi_network_script"])

    application = Application()
    application.add_route("flow", endpoint)
    for script in ("flow", "flow?x=1"):
        reader = asyncio.StreamReader()
        reader.feed_data(request_block(script))
        await application.handler(reader, _no_writer())
    assert served == ["flow"]


def test_stock_panoramisk_takes_the_value_hangup_for_a_hang_up() -> None:
    """Cure: test_the_value_hangup_is_no_hang_up."""
    assert parse_agi_result("200 result=1 (hangup)")["error"] == "AGIResultHangup"


def test_stock_panoramisk_raises_value_error_at_the_end_of_a_connection() -> None:
    """Cure: test_a_hang_up_however_it_shows."""
    with pytest.raises(ValueError, match="invalid literal"):
        parse_agi_result("")


USAGE = b"520-Invalid command syntax.  Proper usage follows:\nStreams a file.\n520 End of proper usage.\n"


async def _stock_replies(*replies: bytes) -> list[Any]:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(replies))
    request = Request(app=None, headers={}, reader=reader, writer=_no_writer())
    return [await request.send_command("X"), await request.send_command("Y")]


async def test_stock_panoramisk_is_one_reply_behind_after_a_usage_error() -> None:
    """Cure: test_a_failed_command_leaves_the_next_one_its_answer."""
    _, second = await _stock_replies(USAGE, b"200 result=1 (y)\n")
    assert second["status_code"] == 520


async def test_stock_panoramisk_is_one_reply_behind_after_a_hang_up() -> None:
    """Cure: test_a_hang_up_between_two_commands."""
    first, second = await _stock_replies(b"HANGUP\n200 result=1 (x)\n", b"200 result=1 (y)\n")
    assert first["error"] == "AGIResultHangup"
    assert second["result"] == ("1", "x")


def _no_writer() -> Any:
    async def drain() -> None:
        return None

    return SimpleNamespace(
        write=lambda _: None, drain=drain, close=lambda: None, get_extra_info=lambda _: ("127.0.0.1", 0)
    )
