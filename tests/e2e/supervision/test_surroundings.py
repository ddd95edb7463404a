"""What the engine sees of its surroundings: the trunk falls silent, Asterisk dies; both are alarms, and both end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from callcenter.core.config import Settings
from demo.observer import until
from tests.e2e.hotline import Hotline, Json


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trunk_watch_seconds": 1})


class Provider(asyncio.DatagramProtocol):
    """The other end of the trunk: answers each OPTIONS, as little as RFC 3261 (8.2.6) lets it."""

    def __init__(self) -> None:
        self.asked = 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        head, *lines = data.decode().split("\r\n")
        if head.startswith("OPTIONS"):
            self.asked += 1
            kept = [one for one in lines if one.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))]
            kept = [f"{one};tag=p" if one.lower().startswith("to:") else one for one in kept]
            answer = ["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]
            self._transport.sendto("\r\n".join(answer).encode(), address)


@asynccontextmanager
async def provider(settings: Settings) -> AsyncIterator[Provider]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        Provider, local_addr=(settings.trunk_host, settings.trunk_port)
    )
    try:
        yield protocol
    finally:
        transport.close()


async def test_the_trunk_falls_silent_and_asterisk_dies(hotline: Hotline) -> None:
    async with provider(hotline.settings) as telephone_network:
        api = await hotline.api(await hotline.stack.start_service())

        async def reached() -> bool:
            return await values(api, "trunk-down") == {"pbx1": 0.0}

        await until("the trunk answers", reached)
        assert telephone_network.asked
    await is_in_state(api, "trunk_down", "open")
    async with provider(hotline.settings):
        await is_in_state(api, "trunk_down", "cleared")
        disks = await values(api, "disk")
        assert disks.keys() == {"pbx1:recordings", "pbx1:ledger"}
        assert all(0 < (free or 0) <= 100 for free in disks.values())
        assert await values(api, "ledger-lag") == {"pbx1": pytest.approx(0, abs=30)}

        await asyncio.to_thread(hotline.stack.pbx.kill)
        lost = await is_in_state(api, "pbx_away", "open")
        assert (lost["severity"], lost["details"]["subject"], lost["queues"]) == ("critical", "pbx1", None)
        await asyncio.to_thread(hotline.stack.pbx.start)
        over = await is_in_state(api, "pbx_away", "cleared")
        assert (over["id"], over["acknowledged_by"]) == (lost["id"], None)


async def is_in_state(api: httpx.AsyncClient, kind: str, state: str) -> Json:
    async def look() -> list[Json]:
        answer = await api.get("/api/v1/alarms", params={"kind": kind, "state": state})
        answer.raise_for_status()
        found: list[Json] = answer.json()["items"]
        return found

    (alarm,) = await until(f"{kind} is {state}", look, timeout_seconds=40)
    return alarm


async def values(api: httpx.AsyncClient, rule: str) -> dict[str, float | None]:
    answer = await api.post(f"/api/v1/alarm-rules/{rule}/test")
    return {one["subject"]: one["value"] for one in answer.json()} if answer.status_code == 200 else {}
