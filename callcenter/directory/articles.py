"""Rules of articles: what staff write and callers hear (decision 0022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now
from callcenter.core.ids import new_id
from callcenter.directory import article_queries, queries, service
from callcenter.directory.article_queries import ArticleFilter, ArticleKey
from callcenter.directory.errors import ArticleChanged, ArticleNotFound, ArticleNumberTaken, UnknownDoctor
from callcenter.directory.models import Article, ArticleVersion, Department, Doctor
from callcenter.directory.spoken import speak_article, speak_department

Section = Literal["doctors", "hospitals", "care", "advice"]
SECTIONS: tuple[Section, ...] = get_args(Section)

_CONTENT = (
    "number",
    "doctor_id",
    "department_id",
    "title_zh",
    "title_en",
    "body_zh",
    "body_en",
    "active",
)
"""What a version keeps."""
_NUMBER_INDEX = "uq_articles_active_section_number"


@dataclass(frozen=True, slots=True)
class ArticleContent:
    """What staff write. An article of a doctor lies under the doctor's department: ``department_code`` is None then."""

    number: int
    doctor_code: str | None
    department_code: str | None
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str


async def list_articles(
    session: AsyncSession, wanted: ArticleFilter, *, after: ArticleKey | None, limit: int
) -> Sequence[Article]:
    """At most ``limit``, by section and number, from the one behind ``after``."""
    return await article_queries.list_articles(session, wanted, after=after, limit=limit)


async def get_article(session: AsyncSession, article_id: UUID) -> Article:
    """Raises ArticleNotFound."""
    article = await article_queries.find_article(session, article_id)
    if article is None:
        raise ArticleNotFound
    return article


async def list_versions(
    session: AsyncSession, article_id: UUID, *, before: int | None, limit: int
) -> Sequence[ArticleVersion]:
    """The article as it was, newest first. Raises ArticleNotFound."""
    await get_article(session, article_id)
    return await article_queries.list_versions(session, article_id, before=before, limit=limit)


async def create_article(session: AsyncSession, actor: Actor, section: Section, content: ArticleContent) -> Article:
    """Callers hear it as soon as its audio is ready. Raises ArticleNumberTaken, UnknownDoctor, UnknownDepartment."""
    article = Article(id=new_id(), section=section, active=True, version=0)
    await _fill(session, article, content)
    session.add(article)
    await _save(session, actor, article, "articles.create")
    await _speak(session, article)
    return article


async def change_article(
    session: AsyncSession, actor: Actor, article_id: UUID, content: ArticleContent, *, version: int
) -> Article:
    """Replace what callers hear; the old audio is played until the new is ready. ``version``: what the asker saw.

    Raises ArticleNotFound, ArticleChanged, ArticleNumberTaken, UnknownDoctor, UnknownDepartment.
    """
    article = await _get_seen(session, article_id, version)
    await _fill(session, article, content)
    if _changed_fields(article):
        await _save(session, actor, article, "articles.change")
        await _speak(session, article)
    return article


async def set_active(session: AsyncSession, actor: Actor, article_id: UUID, active: bool, *, version: int) -> Article:
    """Whether callers and agents find it. Its audio is kept: made active again, it speaks at once.

    Raises ArticleNotFound, ArticleChanged, ArticleNumberTaken (its number was given to another meanwhile).
    """
    article = await _get_seen(session, article_id, version)
    if article.active is not active:
        article.active = active
        await _save(session, actor, article, "articles.activate" if active else "articles.deactivate")
        await _speak(session, article)
    return article


async def _get_seen(session: AsyncSession, article_id: UUID, version: int) -> Article:
    article = await article_queries.find_article(session, article_id, lock=True)
    if article is None:
        raise ArticleNotFound
    if article.version != version:
        raise ArticleChanged(version=article.version, changed_by=article.updated_by)
    return article


async def _fill(session: AsyncSession, article: Article, content: ArticleContent) -> None:
    # all look-ups first: they would flush half an article
    doctor = await _find_doctor(session, content.doctor_code)
    department_id = doctor.department_id if doctor else await service.department_id_of(session, content.department_code)
    article.number = content.number
    article.doctor_id, article.department_id = doctor.id if doctor else None, department_id
    article.title_zh, article.title_en = content.title_zh, content.title_en
    article.body_zh, article.body_en = content.body_zh, content.body_en


async def _find_doctor(session: AsyncSession, code: str | None) -> Doctor | None:
    if code is None:
        return None
    doctor = await queries.find_entry(session, Doctor, code)
    if doctor is None:
        raise UnknownDoctor
    return doctor


def _changed_fields(article: Article) -> list[str]:
    attributes = inspect(article).attrs
    return sorted(name for name in _CONTENT if attributes[name].history.has_changes())


async def _save(session: AsyncSession, actor: Actor, article: Article, action: str) -> None:
    """A new version, who made it, and an audit entry."""
    changed = _changed_fields(article)
    article.version += 1
    article.updated_by, article.updated_at = actor.name, now()
    section, number = article.section, article.number  # not to be read once the flush has failed
    try:
        await session.flush()
    except IntegrityError as error:
        if _NUMBER_INDEX not in str(error.orig):
            raise
        raise ArticleNumberTaken(section=section, number=number) from None
    session.add(
        ArticleVersion(
            article_id=article.id,
            version=article.version,
            changed_by=article.updated_by,
            changed_at=article.updated_at,
            **{name: getattr(article, name) for name in _CONTENT},
        )
    )
    record_audit(
        session,
        actor,
        action,
        subject_id=str(article.id),
        section=article.section,
        number=article.number,
        version=article.version,
        changed=changed,
    )


async def _speak(session: AsyncSession, article: Article) -> None:
    await speak_article(session, article)
    if article.department_id is not None:
        department = await session.get_one(Department, article.department_id)
        await speak_department(session, department)
