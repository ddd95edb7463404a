"""Calls that a campaign makes: how its flow is entered, and the steps that only it has."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import structlog

from callcenter.asterisk import variables
from callcenter.ivr.campaign_calls import CampaignCall
from callcenter.ivr.errors import DatabaseAway, StepImpossible
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.line import Sound, Spoken
from callcenter.ivr.simulation.campaign_calls import SimulatedCampaignCalls
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import flow_set, problems_of

ATTEMPT = "pbx1-ca-gggggggggggggggggggggggggggggggh"
PATIENT = "0190b1b2-0000-7000-8000-000000000001"
TEXTS = {"greeting": (Sound("said/a", 1.0), Sound("said/b", 2.0)), "satisfied": (Sound("said/c", 1.0),)}
CALL = CampaignCall("f", patient_id=PATIENT, texts=TEXTS)

SURVEY = """\
start: greet
steps:
  greet: {tell: greeting, next: asked}
  asked:
    question: satisfied
    keys: "12345"
    attempts: 2
    timeout_seconds: 4
    outcomes: {answered: done, silent: nothing}
  done: {conclude: completed, next: bye}
  nothing: {conclude: answered_no_input, next: bye}
  bye: {hangup: true}
"""
INBOUND = """\
entry: ["8000"]
start: hello
steps:
  hello: {say: hello, next: bye}
  bye: {hangup: true}
"""


async def call(
    flows: FlowSet, script: str = "", out_call: CampaignCall | None = CALL, *, line: SimulatedLine | None = None
) -> SimulatedLine:
    """A campaign's call that was answered."""
    line = line or SimulatedLine("8000", "+8613800000001", scripted(script), lambda _text: None, None)
    line.variables[variables.ATTEMPT] = ATTEMPT
    services = replace(simulated_services(), campaign_calls=SimulatedCampaignCalls(out_call))
    await converse(line, flows, services)
    return line


def ledger(line: SimulatedLine) -> list[str]:
    """What our steps wrote of the attempt."""
    kinds = (variables.EVENT_ANSWER, variables.EVENT_CONCLUDE, variables.EVENT_APPOINTMENT)
    written = [one.removeprefix("ledger ") for one in line.transcript if one.startswith("ledger ")]
    return [one for one in written if one.split()[0] in kinds]


class TestEntered:
    async def test_the_campaign_s_flow_not_that_of_the_number_which_is_shown(self) -> None:
        line = await call(flow_set(f=SURVEY, main=INBOUND), "5")
        assert "say hello" not in line.transcript
        assert line.transcript[0].startswith(f"ledger {variables.EVENT_FLOW} flow=f:")
        assert f"ledger {variables.EVENT_WHO} patient={PATIENT}:grade=:verified=0" in line.transcript
        assert line.transcript[-1] == "dialplan: hang up"

    @pytest.mark.parametrize("out_call", [None, CampaignCall("gone")])
    async def test_an_attempt_or_a_flow_that_nobody_knows_is_left_to_the_dialplan(
        self, out_call: CampaignCall | None
    ) -> None:
        with structlog.testing.capture_logs() as logs:
            line = await call(flow_set(f=SURVEY, main=INBOUND), out_call=out_call)
        assert line.transcript == ["dialplan: fall-back, a person"]
        assert [one["attempt"] for one in logs if one["event"] == "flow_of_attempt_missing"] == [ATTEMPT]

    async def test_the_database_is_away(self) -> None:
        class Away:
            async def find(self, attempt_id: str) -> CampaignCall | None:
                raise DatabaseAway

        line = SimulatedLine("8000", "+8613800000001", scripted(""), lambda _text: None, None)
        line.variables[variables.ATTEMPT] = ATTEMPT
        with pytest.raises(DatabaseAway):  # the dialplan finds no sentinel
            await converse(line, flow_set(f=SURVEY), replace(simulated_services(), campaign_calls=Away()))
        assert line.transcript == []

    async def test_a_call_that_waited_for_an_agent_is_still_the_campaign_s(self) -> None:
        parked = """\
start: person
steps:
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: thanks, overflowed: thanks, key: thanks}}
  thanks: {tell: greeting, next: bye}
  bye: {hangup: true}
"""
        line = await call(flow_set(f=parked), "answered")
        assert "say sound said/a" in line.transcript


class TestTell:
    async def test_piece_by_piece(self) -> None:
        line = await call(flow_set(f=SURVEY), "5")
        said = [one for one in line.transcript if one.startswith("say ")]
        assert said == ["say sound said/a", "say sound said/b"]

    @pytest.mark.parametrize("texts", [{}, {"greeting": ()}])
    async def test_without_the_text_nobody_is_kept_on_the_line(self, texts: dict[str, Sequence[Sound]]) -> None:
        with pytest.raises(StepImpossible):  # the dialplan finds no sentinel, and says that we are sorry
            await call(flow_set(f=SURVEY), out_call=CampaignCall("f", texts=texts))

    async def test_in_a_call_of_somebody_else_it_says_nothing(self) -> None:
        flows = flow_set(f=SURVEY.replace("start:", 'entry: ["1"]\nstart:'))
        line = SimulatedLine("1", "+8613800000001", scripted("5"), lambda _text: None, None)
        with pytest.raises(StepImpossible):
            await converse(line, flows, simulated_services())

    async def test_a_key_cuts_it_short_and_answers_the_menu_behind_it(self) -> None:
        class Hasty(SimulatedLine):
            async def say_until_key(self, spoken: Sequence[Spoken]) -> str:
                await self.say(spoken[:1])
                return "2"

        flows = flow_set(
            f="""\
start: greet
steps:
  greet: {tell: greeting, interruptible: true, next: choice}
  choice: {menu: choose, attempts: 1, outcomes: {"1": one, "2": two, timeout: one, invalid: one}}
  one: {appointment: confirm, next: bye}
  two: {appointment: cancel, next: bye}
  bye: {hangup: true}
"""
        )
        line = await call(flows, line=Hasty("8000", "+8613800000001", scripted(""), lambda _text: None, None))
        assert "say sound said/b" not in line.transcript
        assert ledger(line) == ["CC_APPOINTMENT action=cancel"]


class TestQuestion:
    @pytest.mark.parametrize(
        ("script", "written"),
        [
            ("5", ["CC_ANSWER question=satisfied:value=5", "CC_CONCLUDE outcome=completed"]),
            ("7 1", ["CC_ANSWER question=satisfied:value=1", "CC_CONCLUDE outcome=completed"]),
            ("- 3", ["CC_ANSWER question=satisfied:value=3", "CC_CONCLUDE outcome=completed"]),
            ("- -", ["CC_CONCLUDE outcome=answered_no_input"]),
            ("* #", ["CC_CONCLUDE outcome=answered_no_input"]),
            ("!", []),
            ("9 !", []),
        ],
    )
    async def test_an_answer_is_one_of_its_keys(self, script: str, written: list[str]) -> None:
        assert ledger(await call(flow_set(f=SURVEY), script)) == written

    async def test_a_wrong_key_is_told_and_the_question_asked_again(self) -> None:
        line = await call(flow_set(f=SURVEY), "7 5")
        asked = [one for one in line.transcript if one.startswith(("menu ", "key "))]
        assert asked == ["menu sound said/c", "key 7", "menu invalid_key", "menu sound said/c", "key 5"]

    async def test_what_it_cannot_ask(self) -> None:
        with pytest.raises(StepImpossible):
            await call(flow_set(f=SURVEY), out_call=CampaignCall("f", texts={"greeting": TEXTS["greeting"]}))


STEP = 'flow: f\nentry: ["1"]\nstart: a\nsteps:\n  a: %s\n  b: {hangup: true}\n'


@pytest.mark.parametrize(
    "step",
    [
        "{tell: Greeting, next: b}",
        "{tell: greeting}",
        "{conclude: busy, next: b}",
        "{conclude: unknown, next: b}",
        "{appointment: destroy, next: b}",
        '{question: q, keys: "a", outcomes: {answered: b, silent: b}}',
        '{question: q, keys: "", outcomes: {answered: b, silent: b}}',
        "{question: q, attempts: 6, outcomes: {answered: b, silent: b}}",
        "{question: q, outcomes: {answered: b}}",
    ],
)
def test_what_a_flow_may_not_say(step: str) -> None:
    assert problems_of(STEP % step)


@pytest.mark.parametrize(
    "step",
    [
        "{tell: greeting, next: b}",
        "{conclude: machine, next: b}",
        "{appointment: change, next: b}",
        "{question: q, outcomes: {answered: b, silent: b}}",
    ],
)
def test_what_it_may(step: str) -> None:
    assert problems_of(STEP % step) == []
