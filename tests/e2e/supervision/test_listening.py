"""A supervisor listens, whispers, barges in and takes over: proved by what each telephone hears."""

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import func, select

from callcenter.calls.models import Call
from callcenter.core.config import Settings
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import led_straight
from tests.support.rtp_ear import listening

AGENT_HZ, PATIENT_HZ, SUPERVISOR_HZ = 400, 1_000, 667
SUPERVISOR = agent("1002")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The hotline leads straight into the queue: the way there is others' matter."""
    return led_straight(settings, "consultation")


async def test_who_hears_whom(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    client = await hotline.api(service)
    desk = await hotline.phones.plug_in(
        "seat-rose", hotline.seat_passwords["seat-rose"], [StayUntilHangUp(60)], ring_seconds=0.2, tone_hz=AGENT_HZ
    )
    lead = await hotline.phones.plug_in(
        SUPERVISOR.seat,
        hotline.seat_passwords[SUPERVISOR.seat],
        [StayUntilHangUp(60)],
        ring_seconds=0.2,
        tone_hz=SUPERVISOR_HZ,
    )
    await hotline.agent_available(agent("1001"))
    await hotline.observer.agent_takes_calls(agent("1001"))

    with listening() as ear:
        patient = await hotline.phones.call(
            PATIENTS[0].number, HOTLINE, [Wait(40), HangUp()], tone_hz=PATIENT_HZ, name="patient"
        )

        async def becomes(what: str, look: Callable[[], bool]) -> None:
            async def ask() -> bool:
                return look()

            await until(what, ask)

        await becomes("they talk", lambda: ear.hears(desk.media_port, PATIENT_HZ))
        await becomes("both hear", lambda: ear.hears(patient.media_port, AGENT_HZ))
        await hotline.observer.talking(1)
        begun = {phone.name: ear.mark(phone.media_port) for phone in (desk, patient)}

        await ask(client, "PUT", "agents/1001/listening", {"mode": "listen", "seat": SUPERVISOR.seat})
        await becomes("the supervisor hears the agent", lambda: ear.hears(lead.media_port, AGENT_HZ))
        await becomes("and the patient", lambda: ear.hears(lead.media_port, PATIENT_HZ))
        for phone in (desk, patient):
            assert not ear.ever_hears(phone.media_port, SUPERVISOR_HZ, begun[phone.name]), f"{phone.name}: a listener"
        assert await listener_of(client, "1001") == "admin"

        await ask(client, "PUT", "agents/1001/listening", {"mode": "whisper", "seat": SUPERVISOR.seat})
        await becomes("the agent hears the whisper", lambda: ear.hears(desk.media_port, SUPERVISOR_HZ, seconds=1))
        assert not ear.ever_hears(patient.media_port, SUPERVISOR_HZ, begun["patient"]), "the patient hears a whisper"

        await ask(client, "PUT", "agents/1001/listening", {"mode": "barge", "seat": SUPERVISOR.seat})
        await becomes("the patient hears too", lambda: ear.hears(patient.media_port, SUPERVISOR_HZ))
        await becomes("and the agent", lambda: ear.hears(desk.media_port, SUPERVISOR_HZ))

        await ask(client, "PUT", "agents/1001/listening", {"mode": "listen", "seat": SUPERVISOR.seat})
        await becomes(
            "nobody hears", lambda: all(ear.hears_no(one.media_port, SUPERVISOR_HZ) for one in (desk, patient))
        )

        await ask(client, "POST", "agents/1001/take-over", {"seat": SUPERVISOR.seat})
        await becomes("the patient hears the supervisor", lambda: ear.hears(patient.media_port, SUPERVISOR_HZ))
        await becomes("who hears the patient", lambda: ear.hears(lead.media_port, PATIENT_HZ))
        await becomes("alone", lambda: ear.hears_no(patient.media_port, AGENT_HZ))
        assert await listener_of(client, "1001") is None
        await patient.done()
    await hotline.no_calls_left()

    call = await hotline.finished_call(PATIENTS[0].e164)
    (visit,) = await hotline.visits(call)
    assert (visit.outcome, visit.reason, visit.agent_number) == ("answered", "transferred", "1001")
    async with hotline.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Call)) == 1, "who listens makes no call"


async def ask(client: httpx.AsyncClient, method: str, path: str, body: dict[str, str]) -> None:
    """Asked, and done by Asterisk."""
    answer = await client.request(method, f"/api/v1/supervision/{path}", json=body)
    assert answer.status_code == 202, answer.text
    await command_done(client, answer.json()["command_id"])


async def command_done(client: httpx.AsyncClient, command_id: int) -> None:
    async def look() -> str | None:
        state: str = (await client.get(f"/api/v1/supervision/commands/{command_id}")).json()["state"]
        return state if state not in ("pending", "sent") else None

    assert await until("Asterisk has answered", look) == "done"


async def listener_of(client: httpx.AsyncClient, number: str) -> str | None:
    board = (await client.get("/api/v1/supervision/board")).json()
    listener: str | None = next(row["listener"] for row in board["agents"] if row["number"] == number)
    return listener
