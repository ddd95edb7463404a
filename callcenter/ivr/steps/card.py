"""Ask for the number of the visit card and its check code."""

from typing import Annotated

import structlog
from pydantic import Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import BranchingStep, Name, Whole
from callcenter.ivr.steps.check_code import LOCKED, REFUSED, SKIPPED, VERIFIED, origin_of, outcome_of

log = structlog.get_logger(__name__)

UNAVAILABLE = "unavailable"


class Card(BranchingStep):
    """The proof by card, from any telephone: the caller becomes the card's patient, with the VIP benefits.

    Of the card's number its digits are keyed in, letters and dashes left out (``JZ00000001``: ``00000001``). The
    code is asked for whether there is such a card or not. Outcomes: ``verified``; ``refused`` (no attempt was
    right; nobody is told whether number or code was wrong), ``skipped`` (``#`` alone, or silence), ``locked`` (too
    many codes were wrong of late), ``unavailable`` (the database does not answer)::

        card: {card: ask_card_number, attempts: 2,
               outcomes: {verified: menu, refused: menu, skipped: menu, locked: person, unavailable: person}}
    """

    kind = "card"
    required_outcomes = frozenset({VERIFIED, REFUSED, SKIPPED, LOCKED, UNAVAILABLE})
    caller_actions = frozenset({VERIFIED})

    card: Name
    code_prompt: Name = "ask_check_code"
    refused_prompt: Name = "card_refused"
    attempts: Annotated[Whole, Field(ge=1, le=5)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 5
    max_card_digits: Annotated[Whole, Field(ge=4, le=32)] = 20
    max_digits: Annotated[Whole, Field(ge=6, le=12)] = 12
    """Of the check code."""

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.card, self.code_prompt, self.refused_prompt)

    async def run(self, call: CallContext) -> str:
        origin = await origin_of(call)
        for _ in range(self.attempts):
            digits = await call.line.ask_digits(
                self.card, max_digits=self.max_card_digits, timeout_seconds=self.timeout_seconds
            )
            if not digits.get_secret_value():
                return SKIPPED
            code = await call.line.ask_digits(
                self.code_prompt, max_digits=self.max_digits, timeout_seconds=self.timeout_seconds
            )
            if not code.get_secret_value():
                return SKIPPED
            try:
                verification = await call.services.callers.verify_card(origin, digits, code)
            except DatabaseAway as error:
                log.warning("card_not_verified", uniqueid=call.line.uniqueid, reason=error.message)
                return UNAVAILABLE
            if outcome := await outcome_of(call, verification):
                return outcome
            await call.line.say([self.refused_prompt])
        return REFUSED
