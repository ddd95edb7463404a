"""The call-back is served where the caller would have been, and the patient is on the line."""

from sqlalchemy import select

from callcenter.calls.models import Leg, QueueVisit
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.callbacks.conftest import QUEUE, Patients
from tests.e2e.hotline import Hotline, agent


async def test_served_before_those_who_came_later(hotline: Hotline, patients: Patients) -> None:
    """The first caller leaves; two later ones wait; the agent gets the call-back first, then them in order."""
    service = await hotline.stack.start_service()
    await patients.nobody_is_free(agent("1001"), [Wait(20), HangUp()])
    zhang, wang, liu = PATIENTS[0], PATIENTS[1], PATIENTS[2]
    asked = await patients.asks(zhang)
    assert (asked.did, asked.language, asked.queue_name) == ("8000", "zh", QUEUE)
    await patients.waits(wang)
    await patients.waits(liu)
    await patients.stand_in_queue(1)
    phone = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, [Wait(8), HangUp()])

    await patients.agent_is_free(agent("1001"))
    await phone.done(60)
    done = await patients.becomes(zhang, "completed")
    (attempt,) = await patients.attempts(done)
    assert (attempt.outcome, attempt.agent_number, done.tries) == ("completed", "1001", 1)

    called = next(call for call in await hotline.calls() if call.id == attempt.id)
    assert (called.direction, called.outcome, called.caller_number) == ("outbound", "answered", zhang.e164)
    assert called.talk_seconds > 1
    async with hotline.database.transaction() as session:
        legs = {leg.role: leg for leg in await session.scalars(select(Leg).where(Leg.call_id == attempt.id))}
    assert set(legs) == {"agent", "trunk"}
    assert legs["agent"].agent_number == "1001"

    async def wang_is_served() -> list[QueueVisit]:
        async with hotline.database.transaction() as session:
            visits = list(await session.scalars(select(QueueVisit).order_by(QueueVisit.entered_at)))
        return visits if visits[1].answered_at else []

    # three visits: the first ended by the key; the placed channel made none of its own
    first, second, third = await until("the next in the queue is served", wang_is_served)
    assert (first.outcome, first.reason, first.priority) == ("overflowed", "key", done.priority)
    assert first.priority > second.priority >= third.priority  # whole seconds
    assert second.answered_at is not None
    assert third.answered_at is None
    assert attempt.claimed_at is not None
    assert attempt.claimed_at < second.answered_at

    client = await hotline.api(service)
    figures = await client.get(
        f"/api/v1/queues/{QUEUE}/callbacks/figures",
        params={"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"},
    )
    assert (figures.json()["requested"], figures.json()["completed"]) == (1, 1)
