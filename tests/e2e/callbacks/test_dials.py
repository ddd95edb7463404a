"""What becomes of a call-back whose patient cannot be reached, that is taken back, or that is no longer needed."""

from sqlalchemy import update

from callcenter.asterisk.commands import PlaceCallback
from callcenter.callbacks.models import Callback
from callcenter.core.clock import now
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.callbacks.conftest import Patients
from tests.e2e.hotline import Hotline, agent
from tests.support.people import commands_of


async def test_busy_then_reached_at_the_same_place(hotline: Hotline, patients: Patients) -> None:
    await hotline.stack.start_service()
    await patients.nobody_is_free(agent("1001"), [StayUntilHangUp(120)])
    asked = await patients.asks(PATIENTS[0])
    trunk = hotline.settings.trunk_port
    busy = await hotline.phones.answer_at_trunk(trunk, [], refuse=486)
    await patients.agent_is_free(agent("1001"))
    await busy.done(60)
    again = await patients.becomes(PATIENTS[0], "waiting")
    (first,) = await patients.attempts(asked)
    assert (first.outcome, first.hangup_cause, again.tries) == ("busy", 17, 1)
    assert 290 < (again.next_attempt_at - now()).total_seconds() <= 300

    answers = await hotline.phones.answer_at_trunk(
        trunk, [Wait(hotline.seconds("callback_greeting") + 2), HangUp()], ring_seconds=0.5
    )
    await patients.is_due(asked)
    await answers.done(60)
    done = await patients.becomes(PATIENTS[0], "completed")
    assert (done.tries, done.priority) == (2, asked.priority)
    placed = [one for one in await commands_of(hotline.database) if isinstance(one, PlaceCallback)]
    assert [one.priority for one in placed] == [asked.priority] * 2


async def test_three_times_unanswered_is_the_end_and_so_is_a_number_that_does_not_exist(
    hotline: Hotline, patients: Patients
) -> None:
    await hotline.stack.start_service()
    await patients.nobody_is_free(agent("1001"), [StayUntilHangUp(120)])
    asked = await patients.asks(PATIENTS[0])
    trunk = hotline.settings.trunk_port
    # it rings until we give up; then the telephone is switched off
    for tries, refuse, ring_seconds in ((1, None, 300), (2, 480, 1), (3, 480, 1)):
        nobody = await hotline.phones.answer_at_trunk(trunk, [], ring_seconds=ring_seconds, refuse=refuse)
        await patients.agent_is_free(agent("1001"))
        await patients.is_due(asked)

        async def tried(tries: int = tries) -> bool:
            return (await patients.callback(PATIENTS[0])).tries == tries

        await until(f"try {tries} is over", tried, timeout_seconds=80)
        await nobody.done(20)
    failed = await patients.becomes(PATIENTS[0], "failed")
    assert (failed.tries, failed.reason) == (3, "no_answer")
    assert {one.outcome for one in await patients.attempts(asked)} == {"no_answer"}

    await hotline.phones.answer_at_trunk(trunk, [], refuse=404)
    await patients.agent_pauses(agent("1001"))
    await patients.asks(PATIENTS[1])
    await patients.agent_is_free(agent("1001"))
    wrong = await patients.becomes(PATIENTS[1], "failed")
    assert (wrong.tries, wrong.reason) == (1, "invalid_number")


async def test_cancelled_expired_or_served_while_it_waits(hotline: Hotline, patients: Patients) -> None:
    service = await hotline.stack.start_service()
    client = await hotline.api(service)
    await patients.nobody_is_free(agent("1001"), [StayUntilHangUp(120)])
    zhang, wang, liu = PATIENTS[:3]
    cancelled, expired = await patients.asks(zhang), await patients.asks(wang)
    await patients.becomes(zhang, "queued")
    await patients.becomes(wang, "queued")
    await patients.stand_in_queue(2)

    answer = await client.post(f"/api/v1/callbacks/{cancelled.id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    async with hotline.database.transaction() as session:
        await session.execute(update(Callback).where(Callback.id == expired.id).values(expires_at=now()))
    await patients.becomes(wang, "expired")
    await patients.stand_in_queue(0)
    await hotline.no_calls_left()

    # busy at first; before the next try the patient phones again and is answered
    served = await patients.asks(liu)
    busy = await hotline.phones.answer_at_trunk(hotline.settings.trunk_port, [], refuse=486)
    await patients.agent_is_free(agent("1001"))
    await busy.done(60)
    await patients.becomes(liu, "waiting")
    await hotline.call(liu, "8000", [Wait(8), HangUp()])
    ended = await patients.becomes(liu, "cancelled")
    assert (ended.id, ended.reason) == (served.id, "served")
    for one in (cancelled, expired):
        (attempt,) = await patients.attempts(one)
        assert (attempt.outcome, attempt.dialled_at) == ("not_placed", None)
    for call in await hotline.calls():
        assert not call.id.startswith("pbx1-cb-") or call.id in {one.id for one in await patients.attempts(served)}
