"""What callers can hear of doctors, hospitals, seeking care and health: articles whose audio is there."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.db import Database
from callcenter.directory import article_queries
from callcenter.directory.articles import Section
from callcenter.directory.spoken import body_slot, department_slot, title_slot
from callcenter.ivr.limits import limited
from callcenter.ivr.line import Sound
from callcenter.speech import service as speech
from callcenter.speech.languages import Language

CHOICES = 7
"""On one page of a list: keys 1 to 7; 8 leads to the next page."""

_CHUNK = 24
_CHUNKS = 8
"""Rows read at a time, and how often at most: a page is looked for among the next 192 that staff wrote."""


@dataclass(frozen=True, slots=True)
class SpokenArticle:
    id: UUID
    number: int
    title: Sound
    body: Sound


@dataclass(frozen=True, slots=True)
class SpokenDepartment:
    id: UUID
    code: str
    title: Sound


Choice = TypeVar("Choice", bound=SpokenArticle | SpokenDepartment)
Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class ChoicePage(Generic[Choice]):
    """At most :data:`CHOICES`. ``more``: something follows the last of them."""

    choices: tuple[Choice, ...]
    more: bool


class Articles(Protocol):
    """An article (or name of a department) without audio in the caller's language is treated as not there.

    Every question raises DatabaseAway.
    """

    async def find_by_number(self, section: Section, number: int, language: Language) -> SpokenArticle | None:
        """The active article that callers key in by this number."""

    async def list_articles(
        self, section: Section, language: Language, *, department_id: UUID | None, after: int | None
    ) -> ChoicePage[SpokenArticle]:
        """In order of number, from the one behind ``after``; of one department, or of all."""

    async def list_departments(
        self, section: Section, language: Language, *, after: str | None
    ) -> ChoicePage[SpokenDepartment]:
        """Departments that articles of the section lie under, in order of code, from the one behind ``after``.

        A name without English audio is spoken in Chinese: better than not to be found.
        """


class DatabaseArticles:
    """:class:`Articles` in PostgreSQL: two statements a question, by index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_by_number(self, section: Section, number: int, language: Language) -> SpokenArticle | None:
        return await limited(self._find_by_number(section, number, language))

    async def list_articles(
        self, section: Section, language: Language, *, department_id: UUID | None, after: int | None
    ) -> ChoicePage[SpokenArticle]:
        return await limited(self._list_articles(section, language, department_id, after))

    async def list_departments(
        self, section: Section, language: Language, *, after: str | None
    ) -> ChoicePage[SpokenDepartment]:
        return await limited(self._list_departments(section, language, after))

    async def _find_by_number(self, section: Section, number: int, language: Language) -> SpokenArticle | None:
        async with self._database.transaction() as session:
            article_id = await session.scalar(article_queries.active_article(section, number))
            if article_id is None:
                return None
            spoken = await _spoken_articles(session, [(article_id, number)], language)
            return spoken[0] if spoken else None

    async def _list_articles(
        self, section: Section, language: Language, department_id: UUID | None, after: int | None
    ) -> ChoicePage[SpokenArticle]:
        async with self._database.transaction() as session:

            async def rows_after(number: int | None) -> Sequence[tuple[UUID, int]]:
                statement = article_queries.active_articles(
                    section, department_id=department_id, after=number, limit=_CHUNK
                )
                return [(row.id, row.number) for row in await session.execute(statement)]

            async def spoken(rows: Sequence[tuple[UUID, int]]) -> list[SpokenArticle]:
                return await _spoken_articles(session, rows, language)

            return await _page(after, rows_after, spoken)

    async def _list_departments(
        self, section: Section, language: Language, after: str | None
    ) -> ChoicePage[SpokenDepartment]:
        async with self._database.transaction() as session:

            async def rows_after(code: str | None) -> Sequence[tuple[UUID, str]]:
                statement = article_queries.departments_with_articles(section, after=code, limit=_CHUNK)
                return [(row.id, row.code) for row in await session.execute(statement)]

            async def spoken(rows: Sequence[tuple[UUID, str]]) -> list[SpokenDepartment]:
                return await _spoken_departments(session, rows, language)

            return await _page(after, rows_after, spoken)


async def _page(
    after: Key | None,
    rows_after: Callable[[Key | None], Awaitable[Sequence[tuple[UUID, Key]]]],
    spoken: Callable[[Sequence[tuple[UUID, Key]]], Awaitable[list[Choice]]],
) -> ChoicePage[Choice]:
    """Reads on until a page is full and one more is known, or nothing is left."""
    found: list[Choice] = []
    for _ in range(_CHUNKS):
        rows = await rows_after(after)
        if not rows:
            break
        found += await spoken(rows)
        if len(found) > CHOICES or len(rows) < _CHUNK:
            break
        after = rows[-1][1]
    return ChoicePage(tuple(found[:CHOICES]), more=len(found) > CHOICES)


async def _spoken_articles(
    session: AsyncSession, rows: Sequence[tuple[UUID, int]], language: Language
) -> list[SpokenArticle]:
    slots = [slot for article_id, _ in rows for slot in (title_slot(article_id), body_slot(article_id))]
    sounds = await speech.find_sounds(session, slots, language)
    return [
        SpokenArticle(article_id, number, _sound(title), _sound(body))
        for article_id, number in rows
        if (title := sounds.get(title_slot(article_id))) and (body := sounds.get(body_slot(article_id)))
    ]


async def _spoken_departments(
    session: AsyncSession, rows: Sequence[tuple[UUID, str]], language: Language
) -> list[SpokenDepartment]:
    slots = [department_slot(department_id) for department_id, _ in rows]
    sounds = await speech.find_sounds(session, slots, language)
    if language != "zh" and (missing := [slot for slot in slots if slot not in sounds]):
        sounds |= await speech.find_sounds(session, missing, "zh")
    return [
        SpokenDepartment(department_id, code, _sound(title))
        for department_id, code in rows
        if (title := sounds.get(department_slot(department_id)))
    ]


def _sound(spoken: speech.SpokenSound) -> Sound:
    return Sound(spoken.file, spoken.seconds)
