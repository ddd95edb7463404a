"""Let the caller choose by a key."""

from typing import Annotated

from pydantic import Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.line import KEYS
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

INVALID = "invalid"
TIMEOUT = "timeout"


class Menu(BranchingStep):
    """Plays the prompt, which a key cuts short, and waits; a wrong key or silence plays it again.

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
    invalid_prompt: Name = "invalid_key"
    no_input_prompt: Name = "no_input"

    def allows(self, outcome: str) -> bool:
        return outcome in self.required_outcomes or self.is_caller_action(outcome)

    def is_caller_action(self, outcome: str) -> bool:
        return len(outcome) == 1 and outcome in KEYS

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.menu, self.invalid_prompt, self.no_input_prompt)

    async def run(self, call: CallContext) -> str:
        failure = TIMEOUT
        prompts: tuple[str, ...] = (self.menu,)
        for _ in range(self.attempts):
            key = await call.line.ask_key(prompts, self.timeout_seconds)
            if key in self.outcomes:
                return key
            failure = INVALID if key else TIMEOUT
            prompts = (self.invalid_prompt if key else self.no_input_prompt, self.menu)
        return failure
