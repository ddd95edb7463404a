"""Let the caller choose by a key."""

from typing import Annotated

from pydantic import Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.line import KEYS, OtherLanguage, Spoken
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

INVALID = "invalid"
TIMEOUT = "timeout"


class Menu(BranchingStep):
    """Plays the prompt, which a key cuts short, and waits; a wrong key or silence plays it again.

    ``other_language``: a prompt that is added in the language not spoken now ("for English, press 9").
    A key that cut short the announcement before is taken as the first answer.
    Outcomes: every key it routes, ``timeout`` (silence at the last attempt), ``invalid`` (a wrong key at the
    last attempt)::

        menu:
          menu: main_menu
          attempts: 3
          timeout_seconds: 6
          outcomes: {"1": information, "0": person, timeout: person, invalid: person}
    """

    kind = "menu"
    required_outcomes = frozenset({TIMEOUT, INVALID})

    menu: Name
    attempts: Annotated[Whole, Field(ge=1, le=9)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=60)] = 6
    other_language: Name | None = None
    invalid_prompt: Name = "invalid_key"
    no_input_prompt: Name = "no_input"

    def allows(self, outcome: str) -> bool:
        return outcome in self.required_outcomes or self.is_caller_action(outcome)

    def is_caller_action(self, outcome: str) -> bool:
        return len(outcome) == 1 and outcome in KEYS

    def prompt_ids(self) -> tuple[str, ...]:
        other = (self.other_language,) if self.other_language else ()
        return (self.menu, *other, self.invalid_prompt, self.no_input_prompt)

    async def run(self, call: CallContext) -> str:
        failure = TIMEOUT
        question = self._question()
        spoken = question
        for _ in range(self.attempts):
            typed_ahead, call.typed_ahead = call.typed_ahead, ""
            key = typed_ahead or await call.line.ask_key(spoken, self.timeout_seconds)
            if key in self.outcomes:
                return key
            failure = INVALID if key else TIMEOUT
            spoken = (self.invalid_prompt if key else self.no_input_prompt, *question)
        return failure

    def _question(self) -> tuple[Spoken, ...]:
        return (self.menu, OtherLanguage(self.other_language)) if self.other_language else (self.menu,)
