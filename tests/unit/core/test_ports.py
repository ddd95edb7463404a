"""A taken port is told before anything is started; one that is shared takes several."""

import asyncio

import pytest

from callcenter.asterisk.agi_channel import AgiChannel
from callcenter.asterisk.fastagi import FastAgiServer
from callcenter.core.errors import SetupError
from callcenter.core.ports import require_free_port

LOOPBACK = "127.0.0.1"


async def _ignore(_channel: AgiChannel) -> None:
    return


def _require(port: int, *, shared: bool) -> None:
    require_free_port("tcp", LOOPBACK, port, purpose="FastAGI", setting="CALLCENTER_FASTAGI_PORT", shared=shared)


async def test_a_port_is_shared_only_by_those_that_all_say_so() -> None:
    alone = FastAgiServer(LOOPBACK, 0, _ignore)
    await alone.start()
    for shared in (False, True):
        with pytest.raises(SetupError, match="CALLCENTER_FASTAGI_PORT"):
            _require(alone.port, shared=shared)
    await alone.close()
    _require(alone.port, shared=True)


async def test_when_one_that_shares_it_ends_the_others_answer() -> None:
    first = FastAgiServer(LOOPBACK, 0, _ignore, shared=True)
    await first.start()
    _require(first.port, shared=True)
    with pytest.raises(SetupError):
        _require(first.port, shared=False)
    second = FastAgiServer(LOOPBACK, first.port, _ignore, shared=True)
    await second.start()
    await first.close()
    for _ in range(20):
        _, writer = await asyncio.open_connection(LOOPBACK, second.port)
        writer.close()
    await second.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, second.port)
