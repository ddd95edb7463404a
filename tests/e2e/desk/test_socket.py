"""What an agent's page shows is what the database and Asterisk say, whatever dies and comes back."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from callcenter.agents import service as agents
from callcenter.agents.models import Activity
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.faults.scene import Scene
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent
from tests.support.desk_client import DeskClient, desk
from tests.support.people import messages_of

LI_NA = agent("1001")
STATE = "/api/v1/agents/me/state"


class Page:
    """Keeps what a page would show, through drops: the last known state, telephone and number."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.telephone: dict[str, Any] = {}
        self.numbers: list[int] = []
        self.activities: list[str] = []

    @property
    def last(self) -> int | None:
        return self.numbers[-1] if self.numbers else None

    async def show(self, socket: DeskClient) -> None:
        """Until the socket ends."""
        self._take(socket.frames[0])
        while True:
            self._take(await socket.receive())

    def _take(self, frame: dict[str, Any]) -> None:
        after = frame["after"]
        if frame["type"] == "hello":
            self.state, self.telephone = after["state"], after["telephone"]
            return
        if frame["sequence"] is not None:
            assert self.last is None or frame["sequence"] > self.last, "told twice"
            self.numbers.append(frame["sequence"])
        if frame["type"] == "state":
            self.state = after
            self.activities.append(after["activity"])
        if frame["type"] == "telephone":
            self.telephone = after


@pytest.fixture
def page() -> Page:
    return Page()


async def test_the_page_agrees_after_service_and_asterisk_died(hotline: Hotline, page: Page) -> None:
    """The service is killed while the agent talks, and misses the end; then Asterisk is killed under the open page."""
    scene = Scene(hotline)
    service = await hotline.stack.start_service()
    client = await hotline.api(service, LI_NA.username, AGENT_PASSWORD)
    await hotline.phones.plug_in(LI_NA.seat, hotline.seat_passwords[LI_NA.seat], [Wait(6), HangUp()], ring_seconds=1.0)
    await hotline.observer.telephone_is_there(LI_NA.seat)
    async with desk(service.url, dict(client.headers)) as socket:
        showing = asyncio.create_task(page.show(socket))
        (await client.put(STATE, json={"wanted": "available", "seat": LI_NA.seat})).raise_for_status()
        await until("the page shows it", lambda: shows(page, wanted="available"))
        await hotline.observer.agent_takes_calls(LI_NA)
        await scene.asks_for_a_person(PATIENTS[0])
        await until("the page shows the call", lambda: shows(page, activity="on_call"), timeout_seconds=40)
        await service.kill()
        await asyncio.wait({showing})
        assert isinstance(showing.exception(), ConnectionClosed)
    assert page.activities[-2:] == [Activity.RINGING, Activity.ON_CALL]
    await scene.everybody_is_served()

    service = await hotline.stack.start_service()
    client = await hotline.api(service, LI_NA.username, AGENT_PASSWORD)
    async with desk(service.url, dict(client.headers), after=page.last) as socket:
        assert socket.frames[0]["after"]["resumed"]
        showing = asyncio.create_task(page.show(socket))
        await until("the page shows the end", lambda: shows(page, wanted="available", activity="idle"))
        await scene.states_agree()

        await asyncio.to_thread(hotline.stack.pbx.kill)
        await asyncio.to_thread(hotline.stack.pbx.start)
        await hotline.observer.agent_takes_calls(LI_NA)
        await scene.states_agree()
        await until("the telephone is shown", lambda: shows_telephone(page, registered=True))
        assert (page.state["wanted"], page.state["seat"]) == ("available", LI_NA.seat)
        await scene.asks_for_a_person(PATIENTS[1])
        await until("the next call is shown", lambda: shows(page, activity="on_call"), timeout_seconds=40)
        await scene.everybody_is_served()
        await until("its end is shown", lambda: shows(page, activity="idle"))
        assert not showing.done()
        showing.cancel()
    assert await told(hotline) == set(page.numbers)


async def test_a_telephone_that_refuses_call_after_call_and_then_goes(hotline: Hotline, page: Page) -> None:
    """The agent is paused by the system, the next one takes the caller; an unplugged telephone is shown, and nobody is
    available at it."""
    scene = Scene(hotline)
    service = await hotline.stack.start_service()
    client = await hotline.api(service, LI_NA.username, AGENT_PASSWORD)
    phone = await hotline.phones.plug_in(LI_NA.seat, hotline.seat_passwords[LI_NA.seat], [], refuse=486)
    await hotline.observer.telephone_is_there(LI_NA.seat)
    async with desk(service.url, dict(client.headers)) as socket:
        showing = asyncio.create_task(page.show(socket))
        (await client.put(STATE, json={"wanted": "available", "seat": LI_NA.seat})).raise_for_status()
        await hotline.observer.agent_takes_calls(LI_NA)
        await scene.asks_for_a_person(PATIENTS[0])
        await until("the page shows it", lambda: shows(page, pause_reason="missed_calls"), timeout_seconds=60)
        assert (page.state["cause"], page.state["actor"]) == ("system", "missed-calls")
        assert [alarm.details["agent"] for alarm in await scene.alarms("agent_missed_calls")] == ["1001"]
        await hotline.observer.agent_is_paused(LI_NA)
        await hotline.agent_sits_down(agent("1002"), [Wait(2), HangUp()])
        await scene.everybody_is_served()
        await phone.unplug()
        await until("the page shows it", lambda: shows_telephone(page, registered=False))
        refused = await client.put(STATE, json={"wanted": "available"})
        assert (refused.status_code, refused.json()["code"]) == (409, "telephone-away")
        showing.cancel()


async def told(hotline: Hotline) -> set[int]:
    """The numbers of all that the agent's pages should have got: from the first page's on, without its own and others'
    openings."""
    async with hotline.database.transaction() as session:
        row = await agents.get_agent(session, LI_NA.number)
        return {one.sequence for one in await messages_of(session, row) if one.type != "superseded"}


async def shows(page: Page, **state: str) -> bool:
    return state.items() <= page.state.items()


async def shows_telephone(page: Page, *, registered: bool) -> bool:
    return page.telephone == {"seat": LI_NA.seat, "registered": registered}
