"""A hospital's articles in a simulation."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from callcenter.directory.articles import Section
from callcenter.ivr.articles import CHOICES, Choice, ChoicePage, SpokenArticle, SpokenDepartment
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.line import Sound
from callcenter.speech.languages import Language

_NUMBERS: Mapping[Section, Sequence[int]] = {
    "doctors": range(101, 110),
    "hospitals": (1, 2),
    "care": (1, 2, 3),
    "advice": (1, 2, 3),
}
"""Nine doctors: their list has a second page."""
_DEPARTMENTS: Mapping[str, Sequence[int]] = {"card": (101, 102), "paed": (103, 104, 105)}


class SimulatedArticles:
    """Articles without a database; their sounds are named by section and number. ``away``: it does not answer."""

    def __init__(self, *, away: bool = False, numbers: Mapping[Section, Sequence[int]] = _NUMBERS) -> None:
        self._away = away
        self._numbers = numbers

    async def find_by_number(self, section: Section, number: int, language: Language) -> SpokenArticle | None:
        self._answer()
        return _article(section, number, language) if number in self._numbers.get(section, ()) else None

    async def list_articles(
        self, section: Section, language: Language, *, department_id: UUID | None, after: int | None
    ) -> ChoicePage[SpokenArticle]:
        self._answer()
        under = {_department(code, language).id: numbers for code, numbers in _DEPARTMENTS.items()}
        numbers = self._numbers.get(section, ())
        if department_id is not None:
            numbers = [number for number in numbers if number in under[department_id]]
        return _page([_article(section, number, language) for number in numbers if number > (after or 0)])

    async def list_departments(
        self, section: Section, language: Language, *, after: str | None
    ) -> ChoicePage[SpokenDepartment]:
        self._answer()
        numbers = self._numbers.get(section, ())
        return _page(
            [
                _department(code, language)
                for code, theirs in _DEPARTMENTS.items()
                if code > (after or "") and any(number in numbers for number in theirs)
            ]
        )

    def _answer(self) -> None:
        if self._away:
            raise DatabaseAway


def _article(section: Section, number: int, language: Language) -> SpokenArticle:
    name = f"spoken/{language}-{section}-{number}"
    return SpokenArticle(UUID(int=number), number, Sound(f"{name}-title", 2.0), Sound(f"{name}-body", 20.0))


def _department(code: str, language: Language) -> SpokenDepartment:
    return SpokenDepartment(UUID(bytes=code.encode().ljust(16)), code, Sound(f"spoken/{language}-{code}", 1.0))


def _page(choices: Sequence[Choice]) -> ChoicePage[Choice]:
    return ChoicePage(tuple(choices[:CHOICES]), more=len(choices) > CHOICES)
