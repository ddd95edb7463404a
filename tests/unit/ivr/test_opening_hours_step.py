"""The step asks whether a service is open, and speaks only in an emergency."""

from dataclasses import replace
from uuid import UUID

import pytest

from callcenter.calendar.policy import Opening, State
from callcenter.ivr.line import Sound
from callcenter.ivr.simulation.hours import OPENING_STATES, SimulatedHours
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse, simulate
from callcenter.ivr.simulation.services import simulated_services
from callcenter.speech.languages import Language
from tests.support.flows import flow_set, problems_of

FLOW = """\
entry: ["1"]
start: language
steps:
  language: {language: en, next: hours}
  hours:
    opening_hours: office
    outcomes: {open: open, outside_hours: late, holiday: feast, special_day: special, closure: bye}
  open: {say: open, next: bye}
  late: {say: late, next: bye}
  feast: {say: feast, next: bye}
  special: {say: special, next: bye}
  bye: {hangup: true}
"""


class Asked(SimulatedHours):
    """Remembers what it is asked; ``sound``: of every closure."""

    def __init__(self, opening: Opening, sound: Sound | None = None) -> None:
        super().__init__()
        self._opening = opening
        self._sound = sound
        self.asked: list[object] = []

    async def opening(self, schedule_name: str) -> Opening:
        self.asked.append(schedule_name)
        return self._opening

    async def find_announcement(self, closure_id: UUID, language: Language) -> Sound | None:
        self.asked.append((closure_id, language))
        return self._sound


async def call(hours: Asked) -> SimulatedLine:
    line = SimulatedLine("1", "+8613800000001", scripted(""), lambda _text: None, None)
    await converse(line, flow_set(f=FLOW), replace(simulated_services(), hours=hours))
    return line


def said(transcript: list[str]) -> list[str]:
    return [text for text in transcript if text.startswith("say ")]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("open", ["say open"]),
        ("outside_hours", ["say late"]),
        ("holiday", ["say feast"]),
        ("special_day", ["say special"]),
    ],
)
async def test_the_state_is_the_outcome(state: State, expected: list[str]) -> None:
    hours = Asked(Opening(state))
    line = await call(hours)
    assert said(line.transcript) == expected
    assert f"ledger CC_STEP flow=f:step=hours:outcome={state}" in line.transcript
    assert hours.asked == ["office"]


async def test_a_closure_is_announced_in_the_callers_language() -> None:
    hours = Asked(Opening("closure", None, UUID(int=7)), Sound("spoken/fire", 4.0))
    line = await call(hours)
    assert said(line.transcript) == ["say sound spoken/fire"]
    assert "ledger CC_STEP flow=f:step=hours:outcome=closure" in line.transcript
    assert hours.asked == ["office", (UUID(int=7), "en")]


async def test_until_the_announcement_is_ready_the_standard_prompt_plays() -> None:
    line = await call(Asked(Opening("closure", None, UUID(int=7))))
    assert said(line.transcript) == ["say closed_emergency"]


@pytest.mark.parametrize("state", OPENING_STATES)
async def test_every_state_can_be_simulated(state: State) -> None:
    transcript = await simulate(flow_set(f=FLOW), "1", scripted(""), opening=state)
    assert f"ledger CC_STEP flow=f:step=hours:outcome={state}" in transcript


@pytest.mark.parametrize("outcome", OPENING_STATES)
def test_no_state_may_be_left_out(outcome: State) -> None:
    kept = "".join(f"{state}: bye, " for state in OPENING_STATES if state != outcome)
    step = f"a: {{opening_hours: office, outcomes: {{{kept}}}}}"
    text = f'entry: ["1"]\nstart: a\nsteps:\n  {step}\n  bye: {{hangup: true}}\n'
    (problem,) = problems_of(f"flow: f\n{text}")
    assert outcome in problem.message


@pytest.mark.parametrize("name", ["Office", "a|b", "a b", "1office", "x" * 41, ""])
def test_a_schedule_has_a_plain_name(name: str) -> None:
    routes = ", ".join(f"{state}: bye" for state in OPENING_STATES)
    text = f'a: {{opening_hours: "{name}", outcomes: {{{routes}}}}}'
    assert problems_of(f'flow: f\nentry: ["1"]\nstart: a\nsteps:\n  {text}\n  bye: {{hangup: true}}\n')
