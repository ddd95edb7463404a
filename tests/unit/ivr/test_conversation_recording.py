"""What a recording policy does to a caller: the notice, once, before the queue; and what the dialplan is told."""

from dataclasses import replace

import pytest

from callcenter.asterisk import variables
from callcenter.ivr.queue_guide import QueuePlan, Waiter
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from callcenter.queues.recording_policies import RecordingMode, RecordingRule
from tests.support.flows import flow_set

FLOW = """\
entry: ["1"]
start: person
steps:
  person: {queue: people, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""
ALL = RecordingRule("all", 100, notice=True)
SILENT = RecordingRule("all", 100, notice=False)
NONE = RecordingRule("none", 100, notice=True)


class Guide:
    """First ``people`` by one rule, then ``others`` by another."""

    def __init__(self, first: RecordingRule | None, then: RecordingRule | None) -> None:
        self._first, self._then = first, then

    async def plan(self, queue: str, waiter: Waiter) -> QueuePlan:
        return QueuePlan(queue, 60, recording=self._first)

    async def plan_overflow(self, left: str, waiter: Waiter) -> QueuePlan | None:
        return QueuePlan("others", 60, recording=self._then) if left == "people" else None


async def call(
    first: RecordingRule | None, then: RecordingRule | None = None, script: str = "answered", **before: str
) -> SimulatedLine:
    line = SimulatedLine("1", "+8613800000001", scripted(script), lambda _text: None, None)
    line.variables.update(before)
    await converse(line, flow_set(f=FLOW), replace(simulated_services(), queues=Guide(first, then)))
    return line


def notices(line: SimulatedLine) -> int:
    return sum("recording_notice" in text for text in line.transcript)


@pytest.mark.parametrize(
    ("rule", "recorded", "told"),
    [(ALL, "conversation", 1), (SILENT, "conversation", 0), (NONE, "", 0), (None, "", 0)],
)
async def test_told_and_recorded(rule: RecordingRule | None, recorded: str, told: int) -> None:
    line = await call(rule)
    assert (line.variables.get(variables.RECORDING, ""), notices(line)) == (recorded, told)


async def test_the_notice_comes_before_the_queue() -> None:
    spoken = [text for text in (await call(ALL)).transcript if "recording_notice" in text or "dialplan: queue" in text]
    assert "recording_notice" in spoken[0]


@pytest.mark.parametrize(
    ("first", "then", "recorded", "told"),
    [(ALL, ALL, "conversation", 1), (NONE, ALL, "conversation", 1), (ALL, NONE, "", 1)],
)
async def test_in_the_next_queue_its_own_policy_holds(
    first: RecordingRule, then: RecordingRule, recorded: str, told: int
) -> None:
    line = await call(first, then, "timeout answered")
    assert (line.variables.get(variables.RECORDING, ""), notices(line)) == (recorded, told)


async def test_a_complaint_stays_one_and_is_not_announced_again() -> None:
    line = await call(ALL, CC_RECORDING="complaint")
    assert (line.variables[variables.RECORDING], notices(line)) == ("complaint", 0)


class TestDraw:
    def test_the_same_call_gets_the_same_answer(self) -> None:
        rule = RecordingRule(RecordingMode.SHARE, 30, notice=True)
        ids = [f"pbx1-1767600000.{number}" for number in range(200)]
        assert [rule.records(one) for one in ids] == [rule.records(one) for one in ids]

    def test_a_share_is_about_that_share(self) -> None:
        ids = [f"pbx1-1767600000.{number}" for number in range(5000)]
        for percent in (0, 1, 30, 99, 100):
            rule = RecordingRule(RecordingMode.SHARE, percent, notice=True)
            assert sum(map(rule.records, ids)) / 50 == pytest.approx(percent, abs=2.0)

    def test_a_larger_share_holds_the_smaller_one(self) -> None:
        ids = [f"pbx1-1767600000.{number}" for number in range(500)]
        small, large = (RecordingRule(RecordingMode.SHARE, percent, notice=True) for percent in (20, 60))
        assert {one for one in ids if small.records(one)} < {one for one in ids if large.records(one)}
