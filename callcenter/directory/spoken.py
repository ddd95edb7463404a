"""What of the directory is spoken to callers, and the slots that its audio is found by."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.directory.models import Article, Department
from callcenter.speech import service as speech
from callcenter.speech.languages import Language


def title_slot(article_id: UUID) -> str:
    return f"article:{article_id}:title"


def body_slot(article_id: UUID) -> str:
    return f"article:{article_id}:body"


def department_slot(department_id: UUID) -> str:
    return f"department:{department_id}:name"


async def speak_article(session: AsyncSession, article: Article) -> None:
    """Callers hear these texts as soon as their audio is ready, and what they heard before until then."""
    await speech.put_text(session, title_slot(article.id), {"zh": article.title_zh, "en": article.title_en})
    await speech.put_text(session, body_slot(article.id), {"zh": article.body_zh, "en": article.body_en})


async def speak_department(session: AsyncSession, department: Department) -> None:
    """Callers can choose the department by name. Without an English name they hear the Chinese one.

    A name comes from the hospital's system: one that cannot be spoken ("-" for none) is left out, not refused.
    """
    names: dict[Language, str] = {"zh": department.name_zh, "en": department.name_en}
    texts = {language: name for language, name in names.items() if any(map(str.isalnum, name))}
    if texts:
        await speech.put_text(session, department_slot(department.id), texts)
