"""Who last talked with a patient is tried first, in the same visit; an agent complained of is not tried at all."""

from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from callcenter.agents.watch_spans import EngineWatchSpan
from callcenter.calls.models import Leg, QueueVisit
from callcenter.core.clock import now
from callcenter.queues.models import WaitingCaller
from demo.hospital import HOTLINE, PATIENTS, SamplePatient
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, Json, agent
from tests.e2e.queues.conftest import complain_of, members_are, pause, put_queue, serve_only

PATIENT, OTHER = PATIENTS[:2]


async def visits_of(hotline: Hotline, patient: SamplePatient, calls: int) -> Sequence[QueueVisit]:
    """The queue visits of the last of this patient's finished calls."""

    async def look() -> Sequence[QueueVisit]:
        found = [one for one in await hotline.calls() if one.caller_number == patient.e164 and one.ended_at]
        return await hotline.visits(found[-1]) if len(found) == calls else []

    return await until(f"call {calls} of {patient.name}", look)


async def phones_rung(hotline: Hotline, visit: QueueVisit) -> list[str | None]:
    async with hotline.database.transaction() as session:
        query = select(Leg.seat_name).where(Leg.call_id == visit.call_id, Leg.role == "agent")
        return list((await session.scalars(query.order_by(Leg.started_at))).all())


async def test_the_last_agent_first(hotline: Hotline) -> None:
    """Hit; busy and paused: at once to the others, one visit each time; meanwhile the board shows the queue."""
    service = await hotline.stack.start_service()
    await put_queue(hotline, "consultation", last_agent_first=True, wrap_up_seconds=0, strategy="linear")
    first, knows = [await serve_only(hotline, agent(number), "consultation") for number in ("1001", "1002")]
    await hotline.agent_sits_down(knows, [Wait(4), HangUp()], ring_seconds=2)
    await members_are(hotline, "own-1002", ["1002"])
    await (await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(40)])).done(60)
    await hotline.agent_sits_down(first, [Wait(2), HangUp()])

    # who comes first in the queue is free too, and is not rung
    calls = await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(40)])

    async def shown_on_the_board() -> list[str]:
        async with hotline.database.transaction() as session:
            return list((await session.scalars(select(WaitingCaller.queue_name))).all())

    assert await until("the caller is on the board", shown_on_the_board) == ["consultation"]
    await calls.done(60)
    (visit,) = await visits_of(hotline, PATIENT, 2)
    assert (visit.queue_name, visit.outcome, visit.agent_number) == ("consultation", "answered", "1002")
    assert await phones_rung(hotline, visit) == [knows.seat]

    # busy: the other answers, at once
    await pause(hotline, first)
    keeps_busy = await hotline.call(OTHER, HOTLINE, [StayUntilHangUp(40)])
    await hotline.observer.talking(1)
    await hotline.agent_available(first)
    await hotline.observer.agent_takes_calls(first)
    await (await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(40)])).done(60)
    await keeps_busy.done(60)
    (visit,) = await visits_of(hotline, PATIENT, 3)
    assert (visit.outcome, visit.agent_number) == ("answered", "1001")
    assert await phones_rung(hotline, visit) == [first.seat]

    # that was 1001, who is now the last agent; paused, so 1002 answers
    await pause(hotline, first)
    await (await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(40)])).done(60)
    (visit,) = await visits_of(hotline, PATIENT, 4)
    assert (visit.outcome, visit.agent_number) == ("answered", "1002")
    assert await phones_rung(hotline, visit) == [knows.seat]

    # the report says what the telephones did: 1002 answered four callers, 1001 one
    rows = await workload(await hotline.api(service))
    assert {number: (row["offered"], row["answered"], row["missed"]) for number, row in rows.items()} == {
        "1001": (1, 1, 0),
        "1002": (4, 4, 0),
    }
    for row in rows.values():  # how long, is as exact as the machine is quick: not for a test
        assert row["talk_seconds"] + row["unobserved_seconds"] > 0
    assert rows["1001"]["paused_seconds_by_reason"]["lunch"] > 0
    async with hotline.database.transaction() as session:
        watched = (await session.scalars(select(EngineWatchSpan))).all()
    assert watched, "the engine says that it watches"
    for row in rows.values():
        states = ("available", "paused", "ringing", "talk", "hold", "wrap_up", "unobserved")
        assert sum(row[f"{state}_seconds"] for state in states) == pytest.approx(row["logged_in_seconds"], abs=1e-6)


async def workload(api: httpx.AsyncClient) -> dict[str, Json]:
    """Of everybody who logged in, by agent."""
    at = now()
    period = {"from": (at - timedelta(hours=1)).isoformat(), "until": at.isoformat(), "interval": "period"}
    answer = await api.get("/api/v1/workload", params=period)
    assert answer.status_code == 200, answer.text
    return {row["agent_number"]: row for row in answer.json()["items"]}


async def test_an_agent_complained_of_is_not_rung_though_alone_free(hotline: Hotline) -> None:
    """The caller waits until another is free; for all others that agent takes complaints as ever."""
    complain_of(hotline.settings, HOTLINE, "complaint", "1001")
    await hotline.stack.start_service()
    await put_queue(hotline, "complaint", excludes_complained_agent=True, last_agent_first=True, wrap_up_seconds=0)
    accused, other = [await serve_only(hotline, agent(number), "complaint") for number in ("1001", "1002")]
    await serve_only(hotline, agent("1003"))
    await hotline.agent_sits_down(accused, [Wait(2), HangUp()])
    await hotline.agent_sits_down(other, [Wait(2), HangUp()])
    await members_are(hotline, "complaint--not-1001", ["1002"])
    await members_are(hotline, "complaint--not-1002", ["1001"])
    await pause(hotline, other)
    complains = await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(60)])
    await hotline.observer.waiting("complaint", 1)
    await hotline.observer.pause(4)  # time enough to ring whoever may be rung
    await hotline.agent_available(other)
    await complains.done(60)
    (visit,) = await visits_of(hotline, PATIENT, 1)
    assert (visit.queue_name, visit.outcome, visit.agent_number) == ("complaint", "answered", "1002")
    assert await phones_rung(hotline, visit) == [other.seat]
