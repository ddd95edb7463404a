"""Make sure whom a campaign talks to before it says anything about them."""

import hmac
from typing import Annotated

from pydantic import Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

VERIFIED, REFUSED, SKIPPED = "verified", "refused", "skipped"
_DIGITS = 8


class BirthDate(BranchingStep):
    """The person keys in the date of birth, eight digits; only in calls that a campaign makes.

    Outcomes: ``verified``, ``refused`` (no attempt was right, or the date is not known to us), ``skipped`` (``#``
    alone, or silence). The digits never leave this step::

        who: {birth_date: ask_birth_date, attempts: 2, outcomes: {verified: result, refused: bye, skipped: bye}}
    """

    kind = "birth_date"
    required_outcomes = frozenset({VERIFIED, REFUSED, SKIPPED})
    caller_actions = frozenset({VERIFIED})

    birth_date: Name
    attempts: Annotated[Whole, Field(ge=1, le=3)] = 2
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 6
    refused_prompt: Name = "birth_date_refused"

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.birth_date, self.refused_prompt)

    async def run(self, call: CallContext) -> str:
        known = call.out_call.birth_date if call.out_call else ""
        for _ in range(self.attempts):
            keyed = await call.line.ask_digits(
                self.birth_date, max_digits=_DIGITS, timeout_seconds=self.timeout_seconds
            )
            digits = keyed.get_secret_value()
            if not digits:
                return SKIPPED
            if known and hmac.compare_digest(digits, known):
                return VERIFIED
            await call.line.say([self.refused_prompt])
        return REFUSED
