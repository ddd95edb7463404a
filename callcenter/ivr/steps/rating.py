"""Ask for a mark after a conversation."""

from typing import Annotated

from pydantic import Field

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

RATED, SKIPPED = "rated", "skipped"
MARKS = "12345"


class Rating(BranchingStep):
    """The caller's mark from 1 to 5 for the agent who answered last; not asked unless an agent did.

    Nobody is held who says nothing: silence is ``skipped``, only a wrong key is asked again. Outcomes: ``rated``
    (``thanks_prompt`` was said), ``skipped`` (no agent, silence, or no mark at the last attempt)::

        rating: {rating: ask_rating, outcomes: {rated: remark, skipped: bye}}
    """

    kind = "rating"
    required_outcomes = frozenset({RATED, SKIPPED})
    caller_actions = frozenset({RATED})

    rating: Name
    attempts: Annotated[Whole, Field(ge=1, le=5)] = 2
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 5
    invalid_prompt: Name = "invalid_key"
    thanks_prompt: Name = "rating_thanks"

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.rating, self.invalid_prompt, self.thanks_prompt)

    async def run(self, call: CallContext) -> str:
        if await call.line.get_variable(variables.SERVED) != "1":
            return SKIPPED
        spoken: tuple[str, ...] = (self.rating,)
        for _ in range(self.attempts):
            key = await call.line.ask_key(spoken, self.timeout_seconds)
            if key and key in MARKS:
                await call.line.event(variables.EVENT_RATING, {"mark": key})
                await call.line.say([self.thanks_prompt])
                return RATED
            if not key:
                return SKIPPED
            spoken = (self.invalid_prompt, self.rating)
        return SKIPPED
