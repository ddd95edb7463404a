"""Read out what there is, and let the caller choose."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import structlog
from pydantic import Field

from callcenter.directory.articles import Section
from callcenter.ivr.article_playing import BACK, HEARD, PERSON, WAYS_OUT, play_article
from callcenter.ivr.articles import CHOICES, Choice, ChoicePage, SpokenArticle, SpokenDepartment
from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.line import Spoken
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

log = structlog.get_logger(__name__)

TIMEOUT, INVALID, EMPTY, UNAVAILABLE = "timeout", "invalid", "empty", "unavailable"

NEXT_PAGE, REPEAT = "8", "9"

MAX_KEYS = 50
"""Pressed in one list; whoever goes on longer is no caller but a fault."""


class ArticleList(BranchingStep):
    """Reads titles out, seven at a time with the key of each, and plays the article that the caller chooses.

    A key counts at any time. ``8`` is the next page, ``9`` once more. ``by: department``: first the departments
    that have articles of the section, then theirs (``*`` leads back to the departments).

    Outcomes: ``heard`` (an article, to its end or cut short by a key), ``back`` (``*``), ``person`` (``0``),
    ``timeout`` and ``invalid`` (silence or a wrong key at the last attempt), ``empty`` (there is nothing to
    choose), ``unavailable`` (the database does not answer)::

        advice:
          article_list: choose_article
          section: advice
          outcomes: {heard: advice, back: information, person: person, timeout: person, invalid: person,
                     empty: information, unavailable: person}
    """

    kind = "article_list"
    required_outcomes = frozenset({HEARD, BACK, PERSON, TIMEOUT, INVALID, EMPTY, UNAVAILABLE})
    caller_actions = frozenset({HEARD, BACK, PERSON})

    article_list: Name
    section: Section
    by: Literal["department"] | None = None
    department_prompt: Name = "choose_department"
    attempts: Annotated[Whole, Field(ge=1, le=9)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=60)] = 6
    press_prompt: Name = "press"
    """Followed by ``_1`` to ``_7``."""
    more_prompt: Name = "article_more"
    keys_prompt: Name = "article_keys"
    invalid_prompt: Name = "invalid_key"
    no_input_prompt: Name = "no_input"

    def prompt_ids(self) -> tuple[str, ...]:
        return (
            self.article_list,
            *((self.department_prompt,) if self.by else ()),
            *map(self._press, range(1, CHOICES + 1)),
            self.more_prompt,
            self.keys_prompt,
            self.invalid_prompt,
            self.no_input_prompt,
        )

    async def run(self, call: CallContext) -> str:
        try:
            chosen = await (self._choose_by_department(call) if self.by else self._choose_article(call, None))
        except DatabaseAway as error:
            log.warning("articles_not_listed", uniqueid=call.line.uniqueid, reason=error.message)
            return UNAVAILABLE
        if isinstance(chosen, str):
            return chosen
        return WAYS_OUT.get(await play_article(call, chosen), HEARD)

    async def _choose_by_department(self, call: CallContext) -> SpokenArticle | str:
        for _ in range(MAX_KEYS):
            department = await self._choose_department(call)
            if isinstance(department, str):
                return department
            article = await self._choose_article(call, department)
            if article != BACK:
                return article
        return INVALID

    async def _choose_department(self, call: CallContext) -> SpokenDepartment | str:
        async def following(last: SpokenDepartment | None) -> ChoicePage[SpokenDepartment]:
            return await call.services.articles.list_departments(
                self.section, call.line.language, after=last.code if last else None
            )

        return await self._choose(call, self.department_prompt, following)

    async def _choose_article(self, call: CallContext, department: SpokenDepartment | None) -> SpokenArticle | str:
        async def following(last: SpokenArticle | None) -> ChoicePage[SpokenArticle]:
            return await call.services.articles.list_articles(
                self.section,
                call.line.language,
                department_id=department.id if department else None,
                after=last.number if last else None,
            )

        return await self._choose(call, self.article_list, following)

    async def _choose(
        self, call: CallContext, intro: str, following: Callable[[Choice | None], Awaitable[ChoicePage[Choice]]]
    ) -> Choice | str:
        """One of the choices, or the outcome. ``following``: the page behind a choice, the first one behind None."""
        page = await following(None)
        failures = 0
        before: tuple[Spoken, ...] = ()
        for _ in range(MAX_KEYS):
            if not page.choices:
                return EMPTY
            typed_ahead, call.typed_ahead = call.typed_ahead, ""
            key = typed_ahead or await call.line.ask_key((*before, *self._read_out(intro, page)), self.timeout_seconds)
            before = ()
            if key in WAYS_OUT:
                return WAYS_OUT[key]
            if key == NEXT_PAGE and page.more:
                page = await following(page.choices[-1])
            elif key.isdecimal() and 1 <= int(key) <= len(page.choices):
                return page.choices[int(key) - 1]
            elif key != REPEAT:
                failures += 1
                if failures == self.attempts:
                    return INVALID if key else TIMEOUT
                before = (self.invalid_prompt if key else self.no_input_prompt,)
        return INVALID

    def _read_out(self, intro: str, page: ChoicePage[Choice]) -> tuple[Spoken, ...]:
        """One sequence, so that a key counts at any time."""
        titles = [(choice.title, self._press(key)) for key, choice in enumerate(page.choices, start=1)]
        more = (self.more_prompt,) if page.more else ()
        return (intro, *(spoken for pair in titles for spoken in pair), *more, self.keys_prompt)

    def _press(self, key: int) -> str:
        return f"{self.press_prompt}_{key}"
