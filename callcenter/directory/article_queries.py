"""All SQL of articles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.directory.models import Article, ArticleVersion, Department

ArticleKey = tuple[str, int, UUID]
"""Section, number, id: the order of lists."""


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """``words``: each stands in title or body, anywhere in Chinese, at the beginning of a word in English."""

    section: str | None = None
    active: bool | None = None
    words: Sequence[str] = ()


async def list_articles(
    session: AsyncSession, wanted: ArticleFilter, *, after: ArticleKey | None, limit: int
) -> Sequence[Article]:
    """By section and number, from the one behind ``after``."""
    order = (Article.section, Article.number, Article.id)
    statement = select(Article).order_by(*order).limit(limit)
    if wanted.section is not None:
        statement = statement.where(Article.section == wanted.section)
    if wanted.active is not None:
        statement = statement.where(Article.active == wanted.active)
    for word in wanted.words:
        statement = statement.where(_has(word))
    if after is not None:
        statement = statement.where(tuple_(*order) > after)
    return (await session.scalars(statement)).all()


def _has(word: str) -> ColumnElement[bool]:
    begins_word = rf"\m{re.escape(word)}"
    return or_(
        Article.title_zh.icontains(word, autoescape=True),
        Article.body_zh.icontains(word, autoescape=True),
        Article.title_en.regexp_match(begins_word, flags="i"),
        Article.body_en.regexp_match(begins_word, flags="i"),
    )


async def find_article(session: AsyncSession, article_id: UUID, *, lock: bool = False) -> Article | None:
    return await session.get(Article, article_id, with_for_update=lock)


async def list_versions(
    session: AsyncSession, article_id: UUID, *, before: int | None, limit: int
) -> Sequence[ArticleVersion]:
    """Newest first."""
    statement = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    if before is not None:
        statement = statement.where(ArticleVersion.version < before)
    return (await session.scalars(statement.order_by(ArticleVersion.version.desc()).limit(limit))).all()


async def move_articles_of_doctor(session: AsyncSession, doctor_id: UUID, department_id: UUID | None) -> int:
    """Put the doctor's articles under this department; how many lay elsewhere."""
    moved: Any = await session.execute(
        update(Article)
        .where(Article.doctor_id == doctor_id, Article.department_id.is_distinct_from(department_id))
        .values(department_id=department_id)
    )
    return int(moved.rowcount)


async def is_referred_to(session: AsyncSession, department_id: UUID) -> bool:
    """Whether an active article lies under this department."""
    found: bool | None = await session.scalar(
        select(exists().where(Article.department_id == department_id, Article.active))
    )
    return bool(found)


# -- asked by a telephone: by index, whatever the number of articles


def active_article(section: str, number: int) -> Select[UUID]:
    """The article that callers get for a number."""
    return select(Article.id).where(Article.section == section, Article.number == number, Article.active)


def active_articles(section: str, *, department_id: UUID | None, after: int | None, limit: int) -> Select[UUID, int]:
    """(id, number) in order of number, from the one behind ``after``. ``department_id`` None: of all."""
    statement = select(Article.id, Article.number).where(Article.section == section, Article.active)
    if department_id is not None:
        statement = statement.where(Article.department_id == department_id)
    if after is not None:
        statement = statement.where(Article.number > after)
    return statement.order_by(Article.number).limit(limit)


def departments_with_articles(section: str, *, after: str | None, limit: int) -> Select[UUID, str]:
    """(id, code) in order of code, from the one behind ``after``."""
    has_one = exists().where(Article.department_id == Department.id, Article.section == section, Article.active)
    statement = select(Department.id, Department.code).where(has_one)
    if after is not None:
        statement = statement.where(Department.code > after)
    return statement.order_by(Department.code).limit(limit)
