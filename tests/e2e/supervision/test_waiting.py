"""Who waits is brought to the front, moved to another queue, hung up; the figures of each queue add up."""

from collections.abc import Sequence

import httpx
import pytest

from callcenter.core.config import Settings
from callcenter.queues import queries
from demo.hospital import HOTLINE, PATIENTS, SamplePatient
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import led_straight, put_queue

FIRST, SECOND, THIRD = PATIENTS[:3]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The hotline leads straight into the queue: the way there is others' matter."""
    return led_straight(settings, "consultation")


async def test_to_the_front_to_another_queue_and_hung_up(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    client = await hotline.api(service)
    await put_queue(hotline, "consultation", exit_keys="", last_agent_first=False)
    for number in ("1001", "1003"):  # consultation, complaint: logged in at telephones, and not to be rung yet
        await hotline.agent_sits_down(agent(number), [Wait(1), HangUp()])
        await hotline.agent_pauses(agent(number))
        await hotline.observer.agent_is_paused(agent(number))

    phones = []
    for patient in (FIRST, SECOND, THIRD):
        phones.append(await hotline.call(patient, HOTLINE, [StayUntilHangUp(60)]))
        await hotline.observer.waiting("consultation", len(phones))
    first, second, third = await uniqueids(hotline, [FIRST, SECOND, THIRD])

    await ask(client, f"waiting/{third}/front")
    await order_is(client, "consultation", [third, first, second])
    await ask(client, f"waiting/{second}/move", {"queue": "complaint"})
    await order_is(client, "complaint", [second])
    await order_is(client, "consultation", [third, first])
    await known(client, first)
    await ask(client, f"calls/{first}/hang-up")
    await phones[0].done()
    await order_is(client, "consultation", [third])

    for number in ("1001", "1003"):
        await hotline.agent_available(agent(number))
    for phone in phones[1:]:
        await phone.done()
    await hotline.no_calls_left()

    calls = {call.caller_number: call for call in await hotline.all_finished(3)}
    visits = {
        patient.name: [
            (visit.queue_name, visit.outcome, visit.reason) for visit in await hotline.visits(calls[patient.e164])
        ]
        for patient in (FIRST, SECOND, THIRD)
    }
    assert visits == {
        FIRST.name: [("consultation", "abandoned", "pbx_hangup")],
        SECOND.name: [("consultation", "moved", "redirected"), ("complaint", "answered", "agent_hangup")],
        THIRD.name: [("consultation", "answered", "agent_hangup")],
    }
    moved, answered = await hotline.visits(calls[SECOND.e164])
    assert moved.priority == answered.priority, "the place by the time of arrival is kept"
    assert calls[SECOND.e164].agent_number == "1003"
    period = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    for queue, offered in (("consultation", 3), ("complaint", 1)):
        figures = (await client.get(f"/api/v1/queues/{queue}/figures", params=period)).json()
        assert figures["offered"] == offered
        assert figures["offered"] == sum(
            figures[outcome] for outcome in ("answered", "abandoned", "overflowed", "moved", "lost", "open")
        )


async def uniqueids(hotline: Hotline, patients: Sequence[SamplePatient]) -> list[str]:
    async with hotline.database.transaction() as session:
        waiting = {
            caller.caller_number: caller.uniqueid for caller in await queries.list_waiting(session, "consultation")
        }
    return [waiting[patient.number] for patient in patients]


async def order_is(client: httpx.AsyncClient, queue: str, wanted: Sequence[str]) -> None:
    """The board shows these callers, next first."""

    async def look() -> bool:
        board = (await client.get("/api/v1/supervision/board")).json()
        return [row["uniqueid"] for row in board["waiting"] if row["queue"] == queue] == list(wanted)

    await until(f"{queue} shows its callers in this order", look)


async def known(client: httpx.AsyncClient, call_id: str) -> None:
    """The ledger's reader has told of this call."""

    async def look() -> bool:
        return (await client.get(f"/api/v1/calls/{call_id}")).status_code == 200

    await until("the call is known", look)


async def ask(client: httpx.AsyncClient, path: str, body: dict[str, str] | None = None) -> None:
    """Asked, and done by Asterisk."""
    answer = await client.post(f"/api/v1/supervision/{path}", json=body)
    assert answer.status_code == 202, answer.text
    command_id = answer.json()["command_id"]

    async def look() -> str | None:
        state: str = (await client.get(f"/api/v1/supervision/commands/{command_id}")).json()["state"]
        return state if state not in ("pending", "sent") else None

    assert await until("Asterisk has answered", look) == "done"
