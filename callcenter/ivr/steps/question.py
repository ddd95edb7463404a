"""Ask a question of a survey."""

from typing import Annotated

from pydantic import Field, StringConstraints

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import StepImpossible
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

ANSWERED, SILENT = "answered", "silent"


class Question(BranchingStep):
    """One key as the answer to a text of the campaign: a scale, yes or no, a choice. It is kept with the question's
    name and the flow's revision. Outcomes: ``answered``, ``silent`` (no key, or none of ``keys`` at the
    last attempt)::

        satisfied: {question: satisfied, keys: "12345", outcomes: {answered: waiting_time, silent: partial}}
    """

    kind = "question"
    required_outcomes = frozenset({ANSWERED, SILENT})
    caller_actions = frozenset({ANSWERED})

    question: Name
    keys: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}$")] = "12345"
    attempts: Annotated[Whole, Field(ge=1, le=5)] = 2
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 6
    invalid_prompt: Name = "invalid_key"

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.invalid_prompt,)

    async def run(self, call: CallContext) -> str:
        sounds = call.out_call.texts.get(self.question) if call.out_call else None
        if not sounds:
            raise StepImpossible(f"the campaign has no text {self.question}")
        wrong = False
        for _ in range(self.attempts):
            key = await call.line.ask_key([*([self.invalid_prompt] if wrong else []), *sounds], self.timeout_seconds)
            if key and key in self.keys:
                await call.line.event(variables.EVENT_ANSWER, {"question": self.question, "value": key})
                return ANSWERED
            wrong = bool(key)
        return SILENT
