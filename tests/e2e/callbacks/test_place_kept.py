"""The call-back is served where the caller would have been, and the patient is on the line."""

from sqlalchemy import select

from callcenter.calls.models import Leg, QueueVisit
from demo.hospital import PATIENTS
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.callbacks.conftest import QUEUE, Patients
from tests.e2e.hotline import Hotline, agent


async def test_served_before_those_who_came_later(hotline: Hotline, patients: Patients) -> None:
    """The first caller leaves; two later ones wait; the agent who comes gets the call-back first, then them in order."""
    service = await hotline.stack.start_service()
    await patients.nobody_is_free(agent("1001"), [Wait(30), HangUp()])
    zhang, wang, liu = PATIENTS[0], PATIENTS[1], PATIENTS[2]
    asked = await patients.asks(zhang)
    assert (asked.did, asked.language, asked.queue_name) == ("8000", "zh", QUEUE)
    await patients.waits(wang)
    await patients.waits(liu)
    await patients.becomes(zhang, "queued")
    phone = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, [Wait(8), HangUp()])

    await patients.agent_is_free(agent("1001"))
    await phone.done(60)
    done = await patients.becomes(zhang, "completed")
    (attempt,) = await patients.attempts(done)
    assert (attempt.outcome, attempt.agent_number, done.tries) == ("completed", "1001", 1)

    calls = {call.id: call for call in await hotline.calls()}
    called = calls[attempt.id]
    assert (called.direction, called.outcome, called.caller_number) == ("outbound", "answered", zhang.e164)
    assert called.talk_seconds > 1
    async with hotline.database.transaction() as session:
        legs = {leg.role: leg for leg in await session.scalars(select(Leg).where(Leg.call_id == attempt.id))}
        assert set(legs) == {"agent", "trunk"}
        assert legs["agent"].agent_number == "1001"
        # the first visit ended by the key; the placed channel made none of its own
        visits = list(await session.scalars(select(QueueVisit).order_by(QueueVisit.entered_at)))
        assert [visit.priority for visit in visits] == sorted((visit.priority for visit in visits), reverse=True)
        assert [(visit.outcome, visit.reason) for visit in visits][0] == ("overflowed", "key")
        assert len(visits) == 3
        assert done.priority == visits[0].priority
    served = [await hotline.observer.talking(1)]
    assert served
    client = await hotline.api(service)
    figures = await client.get(
        f"/api/v1/queues/{QUEUE}/callbacks/figures",
        params={"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"},
    )
    assert (figures.json()["requested"], figures.json()["completed"]) == (1, 1)
