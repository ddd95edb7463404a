"""The queue step: where it parks a call, how it goes on, and what a flow may route."""

from dataclasses import replace

import pytest

from callcenter.asterisk import variables
from callcenter.ivr.queue_guide import QueueClosed, QueueGuide, QueuePlan, Waiter
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.queue_guide import SimulatedQueueGuide
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from callcenter.ivr.steps.queue import MAX_VISITS
from tests.support.flows import flow_set, problems_of

FLOW = """\
entry: ["1"]
start: person
steps:
  person: {queue: people, outcomes: {answered: bye, overflowed: sorry, key: other, "1": call_back}}
  sorry: {say: sorry, next: bye}
  other: {say: other, next: bye}
  call_back: {say: call_back, next: bye}
  bye: {hangup: true}
"""
CLOSED = FLOW.replace("overflowed: sorry,", "overflowed: sorry, closed: other,")
SHORT = FLOW.replace("queue: people,", "queue: people, max_wait_seconds: 30,")


class Guide:
    """Gives one plan, then leads round two queues for ever."""

    def __init__(self, plan: QueuePlan | QueueClosed | None) -> None:
        self._plan = plan
        self.asked: list[Waiter] = []

    async def plan(self, queue: str, waiter: Waiter) -> QueuePlan | QueueClosed | None:
        self.asked.append(waiter)
        return self._plan

    async def plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        return QueuePlan("others" if left == "people" else "people", 60)


async def call(script: str, guide: QueueGuide, flow: str = FLOW, **set_before: str) -> SimulatedLine:
    line = SimulatedLine("1", "+8613800000001", scripted(script), lambda _text: None, None)
    line.variables.update(set_before)
    await converse(line, flow_set(f=flow), replace(simulated_services(), queues=guide))
    return line


def outcome(line: SimulatedLine) -> str:
    steps = [text for text in line.transcript if text.startswith("ledger CC_STEP flow=f:step=person:")]
    assert len(steps) == 1
    return steps[0].rpartition("=")[2]


def queues(line: SimulatedLine) -> list[str]:
    return [text.removeprefix("dialplan: queue ") for text in line.transcript if text.startswith("dialplan: queue ")]


@pytest.mark.parametrize(
    ("script", "expected"),
    [("answered", "answered"), ("timeout", "overflowed"), ("key", "key"), ("key1", "1"), ("key2", "key")],
)
async def test_how_a_stay_ends(script: str, expected: str) -> None:
    assert outcome(await call(script, SimulatedQueueGuide())) == expected


@pytest.mark.parametrize("status", ["timeout", "full", "joinempty", "leaveempty", "unknown"])
async def test_the_caller_goes_along_the_chain(status: str) -> None:
    guide = SimulatedQueueGuide({"people": "others", "others": "last"})
    line = await call(f"{status} {status} answered", guide)
    assert queues(line) == ["people", "others", "last"]
    assert outcome(line) == "answered"
    line = await call(f"{status} {status} {status}", guide)
    assert outcome(line) == "overflowed"


@pytest.mark.parametrize("status", ["withdraw", "moved", "gibberish", "key"])
async def test_who_was_taken_out_or_left_goes_along_no_chain(status: str) -> None:
    line = await call(status, SimulatedQueueGuide({"people": "others"}))
    assert queues(line) == ["people"]


async def test_a_chain_that_is_changed_under_a_caller_ends() -> None:
    line = await call("full " * 50, Guide(QueuePlan("people", 60)))
    assert len(queues(line)) == MAX_VISITS
    assert outcome(line) == "overflowed"


@pytest.mark.parametrize(("flow", "expected"), [(FLOW, "overflowed"), (CLOSED, "closed")])
async def test_a_closed_queue(flow: str, expected: str) -> None:
    line = await call("", SimulatedQueueGuide(closed=["people"]), flow)
    assert queues(line) == []
    assert outcome(line) == expected


async def test_a_queue_that_is_not_to_be_had() -> None:
    assert outcome(await call("", Guide(None))) == "overflowed"


async def test_what_the_dialplan_is_told() -> None:
    plan = QueuePlan("people", 90, "people--not-1003", "own-1001", 8)
    line = await call("answered", Guide(plan))
    said = {text.removeprefix("set ") for text in line.transcript[: line.transcript.index("release")]}
    assert {
        "CC_QUEUE=people",
        "CC_APP_QUEUE=people--not-1003",
        "CC_OWN_QUEUE=own-1001",
        "CC_OWN_SECONDS=8",
        "CC_QTIMEOUT=90",
        "CC_HEAD_START=0",
    } <= said


async def test_what_one_visit_was_told_does_not_hold_for_the_next() -> None:
    line = await call("timeout answered", Guide(QueuePlan("people", 90, "people--not-1003", "own-1001", 8)))
    assert [line.variables[name] for name in (variables.APP_QUEUE, variables.OWN_QUEUE)] == ["", ""]


async def test_a_flow_may_shorten_the_wait_in_its_own_queue_only() -> None:
    line = await call("timeout answered", Guide(QueuePlan("people", 90)), SHORT)
    assert [text for text in line.transcript if text.startswith("set CC_QTIMEOUT=")] == [
        "set CC_QTIMEOUT=30",
        "set CC_QTIMEOUT=60",
    ]


async def test_who_asks() -> None:
    """A recognised patient is a hint, so only the number counts; the agent complained of always."""
    guide = Guide(QueuePlan("people", 90))
    await call("answered", guide, **{variables.AGAINST: "1003"})
    (waiter,) = guide.asked
    assert (waiter.e164, waiter.patient_id, waiter.against) == ("+8613800000001", None, "1003")


@pytest.mark.parametrize("wrong", ['"*": sorry', '"12": sorry', "busy: sorry"])
def test_outcomes_that_a_queue_never_has(wrong: str) -> None:
    (problem,) = problems_of("flow: f\n" + FLOW.replace("answered: bye,", f"answered: bye, {wrong},"))
    assert problem.code == "unknown-outcome"


def test_only_a_key_may_lead_back_to_the_queue() -> None:
    assert (
        problems_of(
            "flow: f\n"
            + FLOW.replace("next: bye", "next: person", 3).replace(
                "sorry: {say: sorry, next: person}", "sorry: {say: sorry, next: bye}"
            )
        )
        == []
    )
    (problem,) = problems_of(
        "flow: f\n"
        + FLOW.replace("overflowed: sorry", "overflowed: person")
        .replace("key: other", "key: sorry")
        .replace("  other: {say: other, next: bye}\n", "")
    )
    assert problem.code == "silent-loop"
