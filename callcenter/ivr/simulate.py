"""Flows without PBX and database: ``callcenter flow check | show | simulate``, and the golden runs of the tests."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args
from uuid import UUID

from pydantic import SecretStr

from callcenter.asterisk import variables
from callcenter.asterisk.errors import CallerHungUp
from callcenter.core.clock import Clock, now
from callcenter.core.errors import InvalidInput
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.callers import Callers
from callcenter.ivr.catalogue import read_flow_files
from callcenter.ivr.checks import Known, compile_flows
from callcenter.ivr.errors import DatabaseAway, FlowError, FlowProblem
from callcenter.ivr.flow import Flow, FlowSet
from callcenter.ivr.line import KEYS
from callcenter.ivr.prompts import LANGUAGES, Language, PromptLibrary, load_prompts
from callcenter.ivr.revisions import RevisionStore
from callcenter.ivr.runner import FlowRunner
from callcenter.patients.service import CallerIdentity, RecognisedPatient

CallerKind = Literal["unknown", "known", "vip", "family", "away"]
"""Who calls; ``family``: a VIP and another patient share the number; ``away``: the database does not answer."""
CALLER_KINDS: tuple[CallerKind, ...] = get_args(CallerKind)

CHECK_CODE, FAMILY_CHECK_CODE = "123456", "654321"
"""The simulated VIP's, and that of the other patient of a family."""
SILENCE, HANG_UP = "-", "!"

Ask = Callable[[str], str]
"""Called when the flow waits for the caller, with what it waits for (``key``, ``code`` or ``queue``).

The answer: keys, :data:`SILENCE` (or nothing) or :data:`HANG_UP`; for ``queue`` how it ends: ``answered``,
``timeout``, ``full``, ``key``...
"""

_UNIQUEID = "sim-1700000000.1"


# -- check


def load(flows_dir: Path, prompts_dir: Path, queue_names: Collection[str] | None = None) -> FlowSet:
    """The flows of a folder, all or nothing. Raises FlowError, InvalidPrompts."""
    files, problems = read_flow_files(flows_dir)
    if problems:
        raise FlowError(problems)
    prompts = load_prompts(prompts_dir)
    return compile_flows(files, Known(prompts.prompts.keys(), queue_names))


def check(flows_dir: Path, prompts_dir: Path, queue_names: Collection[str] | None = None) -> list[FlowProblem]:
    """What is wrong with the flows of a folder, by file and line. Raises InvalidPrompts."""
    try:
        load(flows_dir, prompts_dir, queue_names)
    except FlowError as error:
        return list(error.problems)
    return []


# -- show


def show(flow: Flow) -> str:
    """The flow as a list: each step, what it is, and where each outcome leads."""
    lines = [f"{flow.name}  revision {flow.revision}  numbers {', '.join(flow.entry) or '-'}  start {flow.start}"]
    for name, step in flow.steps.items():
        about = ", ".join(filter(None, (*step.prompt_ids()[:1], step.queue_name(), step.next_flow())))
        lines.append(f"  {name}: {step.kind} {about}".rstrip())
        lines += [f"    {outcome:>10} > {target}" for outcome, target in step.routes().items()]
    return "\n".join(lines)


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid flow chart."""
    lines = ["flowchart TD"]
    lines += [f'  {name}["{name}<br/>{step.kind}"]' for name, step in flow.steps.items()]
    lines += [f'  {step} -->|"{outcome.replace("#", "hash")}"| {target}' for step, outcome, target in flow.edges()]
    lines += [
        f"  {name} --> flow_{target}([{target}])"
        for name, step in flow.steps.items()
        if (target := step.next_flow()) is not None
    ]
    return "\n".join(lines)


# -- simulate


def scripted(script: str) -> Ask:
    """Answers from a text of words, one for each question: ``"1 * 0 answered"``; at its end the caller hangs up."""
    words: Iterator[str] = iter(script.split())
    return lambda _question: next(words, HANG_UP)


def _patient(number: int, name: str, vip_grade: str | None) -> RecognisedPatient:
    return RecognisedPatient(
        id=UUID(int=number),
        name=name,
        language="zh",
        vip_grade=vip_grade,
        head_start_seconds=600 if vip_grade else 0,
        deceased=False,
        responsible_doctor_id=None,
    )


_VIP, _OTHER = _patient(1, "张三", "gold"), _patient(2, "李四", None)

_PATIENTS: Mapping[CallerKind, tuple[RecognisedPatient, ...]] = {
    "known": (_OTHER,),
    "vip": (_VIP,),
    "family": (_VIP, _OTHER),
}


class SimulatedCallers:
    """Callers without a database."""

    def __init__(self, kind: CallerKind) -> None:
        self._kind = kind

    async def recognise(self, e164: str | None) -> CallerIdentity:
        return CallerIdentity(e164, self._patients())

    async def verify(self, e164: str, code: SecretStr) -> RecognisedPatient | None:
        owner = {CHECK_CODE: _VIP, FAMILY_CHECK_CODE: _OTHER}.get(code.get_secret_value())
        return owner if owner in self._patients() else None

    def _patients(self) -> tuple[RecognisedPatient, ...]:
        if self._kind == "away":
            raise DatabaseAway
        return _PATIENTS.get(self._kind, ())


class SimulatedLine:
    """A :class:`callcenter.ivr.line.Line` that writes down what happens (:attr:`transcript`)."""

    def __init__(
        self, number: str, caller_number: str, ask: Ask, out: Callable[[str], None], texts: PromptLibrary | None
    ):
        self.transcript: list[str] = []
        self.variables: dict[str, str] = {variables.DID: number, variables.VISIT: "0", variables.SERVED: "0"}
        self.is_up = True
        self._caller_number = caller_number
        self._language: Language = "zh"
        self._ask = ask
        self._out = out
        self._texts = texts

    @property
    def uniqueid(self) -> str:
        return _UNIQUEID

    @property
    def caller_number(self) -> str:
        return self._caller_number

    @property
    def language(self) -> Language:
        return self._language

    async def answer(self) -> None:
        self.note("answer")

    async def say(self, prompt_ids: Sequence[str]) -> None:
        for prompt_id in prompt_ids:
            self._play("say", prompt_id)

    async def ask_key(self, prompt_ids: Sequence[str], timeout_seconds: int) -> str:
        for prompt_id in prompt_ids:
            self._play("menu", prompt_id)
        key = self.ask("key")
        if key in ("", SILENCE):
            self.note(f"silence {timeout_seconds} s")
            return ""
        if len(key) != 1 or key not in KEYS:
            raise InvalidInput(f"{key!r} is no key: one of {KEYS}, {SILENCE} (silence) or {HANG_UP} (hang up).")
        self.note(f"key {key}")
        return key

    async def ask_digits(self, prompt_id: str, *, max_digits: int, timeout_seconds: int) -> SecretStr:
        self._play("code", prompt_id)
        digits = self.ask("code")
        if digits in ("", SILENCE):
            self.note(f"silence {timeout_seconds} s")
            return SecretStr("")
        self.note("key #" if digits == "#" else "digits ***")
        return SecretStr(digits.split("#")[0][:max_digits])

    async def get_variable(self, name: str) -> str:
        self._stay()
        return self.variables.get(name, "")

    async def set_variable(self, name: str, value: str) -> None:
        if not variables.VALUE.fullmatch(value):
            raise ValueError(f"not plain: {name}")
        self.note(f"set {name}={value}")
        self.variables[name] = value

    async def set_language(self, language: Language) -> None:
        self.note(f"language {language}")
        self._language = language

    async def event(self, kind: str, values: Mapping[str, str]) -> None:
        self.note(f"ledger {kind} {variables.format_payload(values)}")

    async def start_recording(self, file: str) -> None:
        self.note(f"record {file}")

    async def release(self) -> None:
        self.note("release")

    def note(self, text: str) -> None:
        """One line of the transcript, if the caller is still there."""
        self._stay()
        self._write(text)

    def ask(self, question: str) -> str:
        """What the caller does. Raises CallerHungUp when that is to hang up."""
        self._stay()
        answer = self._ask(question)
        if answer == HANG_UP:
            self.hang_up()
            self._stay()
        return answer

    def hang_up(self) -> None:
        """The caller hangs up."""
        self._write("caller hangs up")
        self.is_up = False

    def _stay(self) -> None:
        if not self.is_up:
            raise CallerHungUp

    def _play(self, how: str, prompt_id: str) -> None:
        self.note(f"{how} {prompt_id}")
        if self._texts is not None:
            for language in LANGUAGES:
                self._write(f"    {language}: {self._texts.get(prompt_id).spoken(language)}")

    def _write(self, text: str) -> None:
        self.transcript.append(text)
        self._out(text)


async def simulate(
    flows: FlowSet,
    number: str,
    ask: Ask,
    *,
    caller: CallerKind = "unknown",
    texts: PromptLibrary | None = None,
    out: Callable[[str], None] = lambda _line: None,
) -> list[str]:
    """One call to ``number`` from its first ring to its end, with the dialplan's part played too; the transcript.

    Raises InvalidInput for an answer that is no key.
    ``texts``: what the prompts say, in both languages, stands in the transcript too.
    """
    line = SimulatedLine(number, "+8613800000001", ask, out, texts)
    await converse(line, flows, SimulatedCallers(caller))
    return line.transcript


async def converse(line: SimulatedLine, flows: FlowSet, callers: Callers, clock: Clock = now) -> None:
    """Visits of a call, one after the other, as asterisk_conf/extensions.conf.j2 makes them."""
    revisions = RevisionStore(None)
    revisions.keep(flows)
    runner = FlowRunner(callers, revisions, NumberPlan(), clock)
    while True:
        line.variables[variables.OK] = ""
        await runner.run(line, flows)
        if not line.is_up:
            return
        if line.variables[variables.OK] != "1":
            line.note("dialplan: fall-back, a person")
            return
        if line.variables[variables.DO] != variables.DO_QUEUE:
            line.note("dialplan: hang up")
            return
        line.note(f"dialplan: queue {line.variables[variables.QUEUE]}")
        try:
            result = line.ask("queue")
        except CallerHungUp:
            return
        line.note(f"dialplan: {result}")
        line.variables[variables.RESULT] = "CONTINUE" if result == "answered" else result.upper()
        if result == "answered":
            line.variables[variables.SERVED] = "1"
