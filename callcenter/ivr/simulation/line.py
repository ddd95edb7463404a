"""A telephone that writes down what happens, and the caller's answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import SecretStr

from callcenter.asterisk import variables
from callcenter.asterisk.errors import CallerHungUp
from callcenter.core.errors import InvalidInput
from callcenter.ivr.line import KEYS, OtherLanguage, Sound, Spoken
from callcenter.ivr.prompts import PromptLibrary
from callcenter.speech.languages import LANGUAGES, Language

SILENCE, HANG_UP = "-", "!"

Ask = Callable[[str], str]
"""Called when the flow waits for the caller, with what it waits for (``key``, ``code``, ``message`` or ``queue``).

The answer: keys, :data:`SILENCE` (or nothing) or :data:`HANG_UP`; for ``message`` any word is speech; for ``queue``
how it ends: ``answered``, ``timeout``, ``full``, ``joinempty``, ``key`` (one without a route), ``key1``...
"""

_UNIQUEID = "sim-1700000000.1"


def scripted(script: str) -> Ask:
    """Answers from a text of words, one for each question: ``"1 * 0 answered"``; at its end the caller hangs up."""
    words: Iterator[str] = iter(script.split())
    return lambda _question: next(words, HANG_UP)


class SimulatedLine:
    """A :class:`callcenter.ivr.line.Line` that writes down what happens (:attr:`transcript`)."""

    def __init__(
        self, number: str, caller_number: str, ask: Ask, out: Callable[[str], None], texts: PromptLibrary | None
    ):
        self.transcript: list[str] = []
        self.variables: dict[str, str] = {variables.DID: number, variables.VISIT: "0", variables.SERVED: "0"}
        self.is_up = True
        self._is_answered = False
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

    async def say(self, spoken: Sequence[Spoken]) -> None:
        for one in spoken:
            self._play("say", one)

    async def say_until_key(self, spoken: Sequence[Spoken]) -> str:
        await self.say(spoken)  # the simulated caller answers questions, and interrupts nobody
        return ""

    async def ask_key(self, spoken: Sequence[Spoken], timeout_seconds: int) -> str:
        for one in spoken:
            self._play("menu", one)
        key = self.ask("key")
        if key in ("", SILENCE):
            self.note(f"silence {timeout_seconds} s")
            return ""
        if len(key) != 1 or key not in KEYS:
            raise InvalidInput(f"{key!r} is no key: one of {KEYS}, {SILENCE} (silence) or {HANG_UP} (hang up).")
        self.note(f"key {key}")
        return key

    async def ask_digits(self, prompt_id: str, *, max_digits: int, timeout_seconds: int, alone: str = "") -> SecretStr:
        self._play("code", prompt_id)
        digits = self.ask("code")
        if digits in ("", SILENCE):
            self.note(f"silence {timeout_seconds} s")
            return SecretStr("")
        self.note(f"key {digits}" if digits in ("#", *alone) else "digits ***")
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

    async def add_to_way(self, kind: str, values: Mapping[str, str]) -> None:
        self.note(f"ledger {kind} {variables.format_payload(values)}")

    async def write_way(self) -> None:
        pass

    async def start_recording(self, file: str) -> None:
        self._answer()
        self.note(f"record {file}")

    async def record_message(self, file: str, *, max_seconds: int, silence_seconds: int) -> float:
        self._answer()
        self.note(f"record message {file}")
        spoken = self.ask("message")
        seconds = 0.0 if spoken in ("", SILENCE) else 5.0
        self.note(f"recorded {seconds} s")
        return seconds

    async def hand_over(self, values: Mapping[str, str]) -> None:
        self._answer()
        for name, value in values.items():
            await self.set_variable(name, value)
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

    def _answer(self) -> None:
        if not self._is_answered:
            self.note("answer")
            self._is_answered = True

    def _play(self, how: str, spoken: Spoken) -> None:
        self._answer()
        match spoken:
            case Sound(file):
                self.note(f"{how} sound {file}")
            case OtherLanguage(prompt_id):
                self.note(f"{how} {prompt_id} (other language)")
                self._show_text(prompt_id)
            case prompt_id:
                self.note(f"{how} {prompt_id}")
                self._show_text(prompt_id)

    def _show_text(self, prompt_id: str) -> None:
        if self._texts is not None:
            for language in LANGUAGES:
                self._write(f"    {language}: {self._texts.get(prompt_id).spoken(language)}")

    def _write(self, text: str) -> None:
        self.transcript.append(text)
        self._out(text)
