"""What each step does with a call, on a telephone that writes down what happens."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
import structlog
from pydantic import SecretStr

from callcenter.ivr.callers import Callers, Refusal, Verification
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.line import Spoken
from callcenter.ivr.simulation.callers import CallerKind, SimulatedCallers
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from callcenter.patients.code_guard import Origin
from callcenter.patients.service import CallerIdentity, RecognisedPatient
from tests.support.flows import flow_set

MENU = """\
entry: ["1"]
start: choice
steps:
  choice:
    menu: choose
    attempts: 2
    timeout_seconds: 4
    no_input_prompt: silent
    invalid_prompt: wrong
    outcomes: {"1": one, "*": star, "#": hash, timeout: slept, invalid: erred}
  one: {say: one, next: bye}
  star: {say: star, next: bye}
  hash: {say: hash, next: bye}
  slept: {say: slept, next: bye}
  erred: {say: erred, next: bye}
  bye: {hangup: true}
"""

CODE = """\
entry: ["1"]
start: code
steps:
  code:
    check_code: ask
    attempts: 2
    outcomes: {verified: person, refused: person, skipped: person, locked: person}
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""


class WhoeverCalls:
    """Callers of one number with any patients; ``code`` verifies the first."""

    def __init__(self, *patients: RecognisedPatient, code: str = "123456") -> None:
        self._patients = patients
        self._code = code
        self.asked: list[str] = []

    async def recognise(self, e164: str | None) -> CallerIdentity:
        return CallerIdentity(e164, self._patients)

    async def verify(self, origin: Origin, code: SecretStr) -> Verification:
        self.asked.append(code.get_secret_value())
        return self._patients[0] if code.get_secret_value() == self._code else Refusal.WRONG

    async def verify_card(self, origin: Origin, digits: SecretStr, code: SecretStr) -> Verification:
        raise NotImplementedError


def patient(number: int = 1, grade: str | None = None, *, deceased: bool = False) -> RecognisedPatient:
    return RecognisedPatient(UUID(int=number), "王五", "zh", grade, 300 if grade else 0, deceased, None)


async def call(
    flows: FlowSet,
    script: str,
    callers: Callers | None = None,
    caller_number: str = "+8613800000001",
) -> SimulatedLine:
    line = SimulatedLine("1", caller_number, scripted(script), lambda _text: None, None)
    services = simulated_services()
    await converse(line, flows, replace(services, callers=callers) if callers else services)
    return line


def heard(line: SimulatedLine) -> list[str]:
    return [text for text in line.transcript if text.split()[0] in ("say", "menu", "code", "key", "silence", "digits")]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("1", ["menu choose", "key 1", "say one"]),
        ("*", ["menu choose", "key *", "say star"]),
        ("#", ["menu choose", "key #", "say hash"]),
        ("- 1", ["menu choose", "silence 4 s", "menu silent", "menu choose", "key 1", "say one"]),
        ("7 1", ["menu choose", "key 7", "menu wrong", "menu choose", "key 1", "say one"]),
        ("7 -", ["menu choose", "key 7", "menu wrong", "menu choose", "silence 4 s", "say slept"]),
        ("- 7", ["menu choose", "silence 4 s", "menu silent", "menu choose", "key 7", "say erred"]),
    ],
)
async def test_menu(script: str, expected: Sequence[str]) -> None:
    assert heard(await call(flow_set(f=MENU), script)) == expected


@pytest.mark.parametrize(("script", "name"), [("*", "star"), ("#", "hash"), ("1", "1")])
async def test_keys_are_written_into_the_ledger_in_its_characters(script: str, name: str) -> None:
    line = await call(flow_set(f=MENU), script)
    assert f"ledger CC_STEP flow=f:step=choice:outcome={name}" in line.transcript


async def test_say_plays_a_list_in_order() -> None:
    flows = flow_set(f='entry: ["1"]\nstart: a\nsteps:\n  a: {say: [x, y], next: b}\n  b: {hangup: true}\n')
    assert heard(await call(flows, "")) == ["say x", "say y"]


@pytest.mark.parametrize(
    ("key", "expected"), [("1", ["say one"]), ("2", ["menu wrong", "menu choose", "key 1", "say one"])]
)
async def test_a_key_into_an_announcement_answers_the_menu_behind_it(key: str, expected: Sequence[str]) -> None:
    class Line(SimulatedLine):
        async def say_until_key(self, spoken: Sequence[Spoken]) -> str:
            await super().say_until_key(spoken)
            return key

    flow = MENU.replace(
        "start: choice\nsteps:", "start: hello\nsteps:\n  hello: {say: hello, interruptible: true, next: choice}"
    )
    line = Line("1", "+8613800000001", scripted("1"), lambda _text: None, None)
    await converse(line, flow_set(f=flow), simulated_services())
    assert heard(line) == ["say hello", *expected]


async def test_a_menu_also_speaks_to_those_who_do_not_understand_it() -> None:
    flow = MENU.replace("attempts: 2", "other_language: for_english\n    attempts: 2")
    line = await call(flow_set(f=flow), "- 1")
    assert heard(line)[:2] == ["menu choose", "menu for_english (other language)"]


OTHER = """\
entry: ["1"]
start: a
steps:
  a: {language: other, next: b}
  b: {language: other, next: c}
  c: {hangup: true}
"""


async def test_the_other_language_is_whichever_it_is_not() -> None:
    line = await call(flow_set(f=OTHER), "")
    assert [text for text in line.transcript if text.startswith("language")] == ["language en", "language zh"]


RECOGNISE = """\
entry: ["1"]
start: who
steps:
  who: {recognise: caller, outcomes: {vip: v, known: k, unknown: u}}
  v: {say: vip, next: bye}
  k: {say: known, next: bye}
  u: {say: unknown, next: bye}
  bye: {hangup: true}
"""

NOBODY, SOMEBODY = "", str(UUID(int=1))


@pytest.mark.parametrize(
    ("patients", "said", "known_as"),
    [
        ((), "unknown", None),
        ((patient(),), "known", (SOMEBODY, "")),
        ((patient(grade="gold"),), "vip", (SOMEBODY, "gold")),
        ((patient(), patient(2)), "known", (NOBODY, "")),  # a family: which of them is not known
        ((patient(), patient(2, "gold")), "vip", (NOBODY, "gold")),
        ((patient(grade="gold", deceased=True),), "known", (SOMEBODY, "")),
    ],
)
async def test_recognise(patients: Sequence[RecognisedPatient], said: str, known_as: tuple[str, str] | None) -> None:
    line = await call(flow_set(f=RECOGNISE), "", WhoeverCalls(*patients))
    assert heard(line) == [f"say {said}"]
    told = [text for text in line.transcript if "CC_WHO" in text]
    expected = f"ledger CC_WHO patient={known_as[0]}:grade={known_as[1]}:verified=0" if known_as else None
    assert told == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("languages", "spoken"),
    [(["en"], ["language en"]), (["zh"], []), (["en", "zh"], []), (["en", "en"], ["language en"])],
)
async def test_who_is_recognised_may_be_spoken_to_in_their_language(languages: list[str], spoken: list[str]) -> None:
    callers = WhoeverCalls(*(replace(patient(n), language=language) for n, language in enumerate(languages)))
    flow = RECOGNISE.replace("recognise: caller,", "recognise: caller, set_language: true,")
    line = await call(flow_set(f=flow), "", callers)
    assert [text for text in line.transcript if text.startswith("language")] == spoken


@pytest.mark.parametrize("number", ["anonymous", "", "138%5C", "%26", "1" * 200, "+8613800000001\r\nX: y"])
async def test_a_hostile_number_is_nobody(number: str) -> None:
    class OnlyE164(SimulatedCallers):
        async def recognise(self, e164: str | None) -> CallerIdentity:
            assert e164 is None
            return await super().recognise(e164)

    assert heard(await call(flow_set(f=RECOGNISE), "", OnlyE164("unknown"), number)) == ["say unknown"]


@pytest.mark.parametrize(
    ("script", "asked", "outcome", "head_start"),
    [
        ("123456 !", ["123456"], "verified", "300"),
        ("123456# !", ["123456"], "verified", "300"),
        ("999999 123456 !", ["999999", "123456"], "verified", "300"),
        ("999999 888888 !", ["999999", "888888"], "refused", "0"),
        ("# !", [], "skipped", "0"),
        ("- !", [], "skipped", "0"),
        ("999999 # !", ["999999"], "skipped", "0"),
    ],
)
async def test_check_code(script: str, asked: list[str], outcome: str, head_start: str) -> None:
    callers = WhoeverCalls(patient(grade="gold"))
    line = await call(flow_set(f=CODE), script, callers)
    assert callers.asked == asked
    assert f"ledger CC_STEP flow=f:step=code:outcome={outcome}" in line.transcript
    assert line.variables["CC_HEAD_START"] == head_start
    assert line.variables["CC_VERIFIED"] == ("1" if outcome == "verified" else "")


async def test_a_code_without_a_number_to_belong_to_is_not_asked_for() -> None:
    line = await call(flow_set(f=CODE), "!", WhoeverCalls(patient()), caller_number="anonymous")
    assert heard(line) == []
    assert "ledger CC_STEP flow=f:step=code:outcome=refused" in line.transcript


async def test_the_card_of_the_deceased_gives_no_right_of_way() -> None:
    line = await call(flow_set(f=CODE), "123456 !", WhoeverCalls(patient(grade="gold", deceased=True)))
    assert line.variables["CC_VERIFIED"] == "1"
    assert (line.variables["CC_GRADE"], line.variables["CC_HEAD_START"]) == ("", "0")


async def test_a_recognised_vip_without_code_has_no_head_start() -> None:
    """A caller's number can be forged: it never grants a benefit (domain.md, A1)."""
    line = await call(
        flow_set(
            f=CODE.replace("start: code", "start: who").replace(
                "steps:\n", "steps:\n  who: {recognise: caller, outcomes: {vip: code, known: code, unknown: code}}\n"
            )
        ),
        "# !",
        SimulatedCallers("vip"),
    )
    assert (line.variables["CC_GRADE"], line.variables["CC_HEAD_START"]) == ("gold", "0")


@pytest.mark.parametrize(
    ("kind", "script"),
    [("vip", "739182 123456 answered"), ("unknown", "739182 123456 answered"), ("away", "739182 answered")],
)
async def test_typed_digits_are_nowhere_afterwards(kind: CallerKind, script: str) -> None:
    with structlog.testing.capture_logs() as logs:
        line = await call(flow_set(f=CODE), script, SimulatedCallers(kind))
    everything = repr((line.transcript, line.variables, logs))
    assert "739182" not in everything
    assert "123456" not in everything
    assert "digits ***" in everything


async def test_a_failing_database_shows_no_digits() -> None:
    class Broken(SimulatedCallers):
        async def verify(self, origin: Origin, code: SecretStr) -> Verification:
            raise DatabaseAway("OperationalError")

    line = await call(flow_set(f=CODE), "123456 !", Broken("vip"))
    assert heard(line) == ["code ask", "digits ***"]  # asked once: a second time would fail again
    assert "ledger CC_STEP flow=f:step=code:outcome=refused" in line.transcript


async def test_language_record_and_complaint() -> None:
    flows = flow_set(
        f="""\
entry: ["1"]
start: lang
steps:
  lang: {language: en, next: tape}
  tape: {record: complaint, next: again}
  again: {record: complaint, next: told}
  told: {complaint: true, next: bye}
  bye: {hangup: true}
"""
    )
    line = await call(flows, "")
    assert "language en" in line.transcript
    assert line.language == "en"
    recordings = [text for text in line.transcript if text.startswith("record ")]
    assert len(recordings) == 1  # a recording runs to the end of the call: the second request changes nothing
    assert recordings[0].endswith("/complaint-sim-1700000000.1.raw")
    assert sum("ledger CC_RECORD purpose=complaint:day=" in text for text in line.transcript) == 1
    assert line.transcript.count("ledger CC_COMPLAINT patient=") == 1


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("answered", "answered"),
        ("timeout", "overflowed"),
        ("full", "overflowed"),
        ("joinempty", "overflowed"),
        ("leaveempty", "overflowed"),
        ("withdraw", "overflowed"),
        ("gibberish", "overflowed"),
        ("key", "key"),
    ],
)
async def test_queue(result: str, outcome: str) -> None:
    flows = flow_set(
        f="""\
entry: ["1"]
start: person
steps:
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""
    )
    line = await call(flows, result)
    assert f"ledger CC_STEP flow=f:step=person:outcome={outcome}" in line.transcript
    parked = line.transcript[: line.transcript.index("release")]
    assert parked[-1] == "set CC_OK=1"
    assert {"set CC_QUEUE=people", "set CC_QTIMEOUT=30", "set CC_DO=queue", "set CC_STEP=person"} <= set(parked)
