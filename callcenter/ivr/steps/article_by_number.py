"""Let the caller key in the number of an article."""

from typing import Annotated, ClassVar

import structlog
from pydantic import Field

from callcenter.directory.articles import Section
from callcenter.ivr.article_playing import BACK, HEARD, PERSON, WAYS_OUT, play_article
from callcenter.ivr.articles import SpokenArticle
from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

log = structlog.get_logger(__name__)

SKIPPED, UNKNOWN, UNAVAILABLE = "skipped", "unknown", "unavailable"

MAX_DIGITS = 6
"""Of an article's number."""


class ArticleByNumber(BranchingStep):
    """Asks for a number and plays its article, which a key cuts short; an unknown number is asked for again.

    Outcomes: ``heard`` (to its end or not), ``skipped`` (silence, or ``#`` alone), ``unknown`` (no attempt was a
    number of the section), ``unavailable`` (the database does not answer). Where they are routed, ``0`` alone
    is ``person`` and ``*`` is ``back``, also during the article::

        doctor:
          article_by_number: ask_doctor_number
          section: doctors
          outcomes: {heard: doctor, skipped: menu, unknown: menu, unavailable: person, person: person, back: menu}
    """

    kind = "article_by_number"
    required_outcomes = frozenset({HEARD, SKIPPED, UNKNOWN, UNAVAILABLE})
    optional_outcomes: ClassVar[frozenset[str]] = frozenset(WAYS_OUT.values())
    caller_actions = frozenset({HEARD, UNKNOWN, PERSON, BACK})

    article_by_number: Name
    section: Section
    attempts: Annotated[Whole, Field(ge=1, le=9)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 4
    unknown_prompt: Name = "article_unknown"

    def allows(self, outcome: str) -> bool:
        return outcome in self.required_outcomes | self.optional_outcomes

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.article_by_number, self.unknown_prompt)

    async def run(self, call: CallContext) -> str:
        for _ in range(self.attempts):
            typed = await self._ask(call)
            if not typed:
                return SKIPPED
            if way_out := self._way_out(typed):
                return way_out
            try:
                article = await self._find(call, typed)
            except DatabaseAway as error:
                log.warning("article_not_found_out", uniqueid=call.line.uniqueid, reason=error.message)
                return UNAVAILABLE
            if article is not None:
                return self._way_out(await play_article(call, article)) or HEARD
            await call.line.say([self.unknown_prompt])
        return UNKNOWN

    async def _ask(self, call: CallContext) -> str:
        typed_ahead, call.typed_ahead = call.typed_ahead, ""
        if typed_ahead in WAYS_OUT:
            return typed_ahead
        digits = await call.line.ask_digits(
            self.article_by_number,
            max_digits=MAX_DIGITS,
            timeout_seconds=self.timeout_seconds,
            alone="".join(key for key, outcome in WAYS_OUT.items() if outcome in self.outcomes),
        )
        return digits.get_secret_value()

    def _way_out(self, keys: str) -> str:
        outcome = WAYS_OUT.get(keys, "")
        return outcome if outcome in self.outcomes else ""

    async def _find(self, call: CallContext, typed: str) -> SpokenArticle | None:
        if not typed.isdecimal():
            return None
        return await call.services.articles.find_by_number(self.section, int(typed), call.line.language)
