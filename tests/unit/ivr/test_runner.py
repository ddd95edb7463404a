"""One visit after the other: entry, parking, coming back, and everything that may go wrong on the way."""

from dataclasses import replace

import pytest
import structlog

from callcenter.asterisk import variables
from callcenter.asterisk.errors import CallerHungUp
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr import runner as runner_module
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.flow_files import load
from callcenter.ivr.revisions import RevisionStore
from callcenter.ivr.runner import FlowRunner
from callcenter.ivr.simulation.callers import CallerKind, SimulatedCallers
from callcenter.ivr.simulation.line import Ask, SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from callcenter.patients.service import CallerIdentity
from tests.support.flows import FLOWS_DIR, PROMPTS_DIR, QUEUES, flow_set

PARKING = """\
entry: ["1"]
start: hello
steps:
  hello: {say: %s, next: person}
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: thanks, overflowed: sorry, key: hello}}
  thanks: {say: thanks, next: bye}
  sorry: {say: sorry, next: bye}
  bye: {hangup: true}
"""


def silent_line(script: str = "", number: str = "1", line_type: type[SimulatedLine] = SimulatedLine) -> SimulatedLine:
    return line_type(number, "+8613800000001", scripted(script), lambda _text: None, None)


def runner(*kept: FlowSet, kind: CallerKind = "unknown") -> FlowRunner:
    revisions = RevisionStore(None)
    for flows in kept:
        revisions.keep(flows)
    return FlowRunner(simulated_services(kind), revisions, NumberPlan())


async def test_the_trace_names_steps_and_outcomes() -> None:
    flows = flow_set(f=PARKING % "hi")
    line = silent_line()
    first = await runner(flows).run(line, flows)
    assert [str(entry) for entry in first] == ["f/hello:next"]
    line.variables[variables.RESULT] = "CONTINUE"
    second = await runner(flows).run(line, flows)
    assert [str(entry) for entry in second] == ["f/person:answered", "f/thanks:next", "f/bye:hangup"]


async def test_an_unknown_number_is_left_to_the_fall_back_untouched() -> None:
    flows = flow_set(f=PARKING % "hi")
    line = silent_line(number="2")
    assert await runner(flows).run(line, flows) == ()
    assert line.transcript == []  # not even answered: the dialplan's fall-back does that
    assert variables.OK not in line.variables


async def test_a_parked_call_goes_on_with_the_revision_it_began_with() -> None:
    old, new = flow_set(f=PARKING % "old"), flow_set(f=(PARKING % "new").replace("say: thanks", "say: changed"))
    line = silent_line()
    one_process, another = runner(old), runner(old, new)
    await one_process.run(line, old)
    line.variables[variables.RESULT] = "CONTINUE"
    await another.run(line, new)
    assert "say old" in line.transcript
    assert "say thanks" in line.transcript
    assert "say changed" not in line.transcript


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (variables.REVISION, "000000000000"),
        (variables.REVISION, ""),
        (variables.FLOW, "g"),
        (variables.STEP, "gone"),
        (variables.STEP, "hello"),  # parks no call
    ],
)
async def test_a_parked_call_that_nobody_knows_is_left_to_the_fall_back(name: str, value: str) -> None:
    flows = flow_set(f=PARKING % "hi")
    line = silent_line()
    await runner(flows).run(line, flows)
    line.variables |= {variables.RESULT: "CONTINUE", variables.OK: "", name: value}
    before = list(line.transcript)
    assert await runner(flows).run(line, flows) == ()
    assert (line.transcript, line.variables[variables.OK]) == (before, "")


async def test_a_call_that_an_agent_answered_while_we_were_away_is_not_greeted_anew() -> None:
    flows = flow_set(f=PARKING % "hi")
    line = silent_line()
    line.variables |= {variables.SERVED: "1", variables.RESULT: "CONTINUE"}
    assert await runner(flows).run(line, flows) == ()
    assert line.transcript == []


async def test_what_is_known_of_the_caller_survives_the_parking() -> None:
    flows = load(FLOWS_DIR, PROMPTS_DIR, QUEUES)
    line = silent_line("123456 1 timeout !", number="8000")
    await converse(line, flows, simulated_services("vip"))
    second = line.transcript[line.transcript.index("dialplan: timeout") :]
    assert {"set CC_QUEUE=consultation", "set CC_HEAD_START=600", "set CC_VERIFIED=1", "set CC_GRADE=gold"} <= set(
        second
    )


async def test_a_call_that_goes_round_is_taken_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "STEP_LIMIT", 10)
    flows = flow_set(
        f="""\
entry: ["1"]
start: a
steps:
  a: {menu: m, outcomes: {"1": a, timeout: bye, invalid: bye}}
  bye: {hangup: true}
"""
    )
    line = silent_line("1 " * 50)
    with structlog.testing.capture_logs() as logs:
        assert len(await runner(flows).run(line, flows)) == 10
    assert variables.OK not in line.variables
    assert "flow_step_limit" in [entry["event"] for entry in logs]


async def test_a_failure_of_ours_leaves_the_sentinel_unset_and_the_trace_in_the_log() -> None:
    class Broken(SimulatedCallers):
        async def recognise(self, e164: str | None) -> CallerIdentity:
            raise ZeroDivisionError

    flows = load(FLOWS_DIR, PROMPTS_DIR, QUEUES)
    line = silent_line(number="8001")
    with structlog.testing.capture_logs() as logs, pytest.raises(ZeroDivisionError):
        services = replace(simulated_services(), callers=Broken("known"))
        await FlowRunner(services, RevisionStore(None), NumberPlan()).run(line, flows)
    assert variables.OK not in line.variables
    assert logs[-1]["event"] == "flow_visit"
    assert logs[-1]["end"] == "failed"


# -- the caller hangs up, at each single thing we ask of the telephone


class FragileLine(SimulatedLine):
    """The caller hangs up just before the command number ``left``."""

    left = 10_000

    def note(self, text: str) -> None:
        if self.left == 0 and self.is_up:
            self.hang_up()
        self.left -= 1
        super().note(text)


def fragile(script: str, number: str, left: int) -> FragileLine:
    ask: Ask = scripted(script)
    line = FragileLine(number, "+8613800000001", ask, lambda _text: None, None)
    line.left = left
    return line


@pytest.mark.parametrize(
    ("number", "kind", "script"),
    [
        ("8000", "vip", "111111 123456 1 timeout key1 1"),
        ("8000", "unknown", "1 2 1 1 - * * 9 4 2 answered"),
        ("8000", "known", "6 00000001 123456 - answered 4 word"),
        ("8001", "known", "1 timeout word"),
        ("8002", "away", "answered"),
    ],
)
async def test_a_hang_up_at_any_moment_ends_quietly(number: str, kind: CallerKind, script: str) -> None:
    flows = load(FLOWS_DIR, PROMPTS_DIR, QUEUES)
    whole = fragile(script, number, 10_000)
    await converse(whole, flows, simulated_services(kind))
    commands = 10_000 - whole.left
    assert commands > 20
    for left in range(commands):
        line = fragile(script, number, left)
        try:
            await converse(line, flows, simulated_services(kind))
        except CallerHungUp:
            assert line.transcript[-2].startswith(("release", "dialplan")), "only the dialplan's part may end so"
        assert line.transcript == [*whole.transcript[: len(line.transcript) - 1], "caller hangs up"]
