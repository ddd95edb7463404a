"""HTTP of articles: everybody reads, supervisors write. What is looked for stands in no URL."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.cursors import Key, a_text, a_uuid, an_integer, decode_cursor, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.directory import articles, service
from callcenter.directory.article_audio import audio_of_articles
from callcenter.directory.article_queries import ArticleFilter
from callcenter.directory.article_schemas import (
    ArticleChange,
    ArticleCreate,
    ArticleId,
    ArticleResponse,
    ArticleSearch,
    ArticleSwitch,
    ArticleVersionResponse,
    PartAudioResponse,
)
from callcenter.directory.articles import Section
from callcenter.directory.models import Article

router = APIRouter(tags=["articles"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require())]
Writer = Annotated[Access, Depends(require(Role.SUPERVISOR))]


@router.get("/articles")
async def list_articles(
    _access: Reader, session: DbSession, paging: Paging, section: Section | None = None, active: bool | None = None
) -> Page[ArticleResponse]:
    """Articles by section and number, with what callers hear of them now."""
    return await _page(session, ArticleFilter(section, active), paging.after, paging.limit)


@router.post("/articles/search")
async def search_articles(body: ArticleSearch, _access: Reader, session: DbSession) -> Page[ArticleResponse]:
    """Active articles in which each word stands, in Chinese or English: what an agent needs while talking."""
    wanted = ArticleFilter(body.section, active=True, words=body.text.split())
    return await _page(session, wanted, decode_cursor(body.cursor), body.limit)


@router.post("/articles", status_code=201, responses=problem_responses(409))
async def create_article(body: ArticleCreate, access: Writer, session: DbSession) -> ArticleResponse:
    """Write an article; the next caller hears it once its audio is ready."""
    article = await articles.create_article(session, access.actor, body.section, body.content())
    return await _response(session, article)


@router.get("/articles/{article_id}", responses=problem_responses(404))
async def get_article(article_id: ArticleId, _access: Reader, session: DbSession) -> ArticleResponse:
    """One article."""
    return await _response(session, await articles.get_article(session, article_id))


@router.put("/articles/{article_id}", responses=problem_responses(404, 409))
async def change_article(
    article_id: ArticleId, body: ArticleChange, access: Writer, session: DbSession
) -> ArticleResponse:
    """Replace what callers hear; until the new audio is ready they hear the old one."""
    article = await articles.change_article(session, access.actor, article_id, body.content(), version=body.version)
    return await _response(session, article)


@router.post("/articles/{article_id}/deactivate", responses=problem_responses(404, 409))
async def deactivate_article(
    article_id: ArticleId, body: ArticleSwitch, access: Writer, session: DbSession
) -> ArticleResponse:
    """Callers no longer find it, and its number is free; nothing is lost."""
    article = await articles.set_active(session, access.actor, article_id, False, version=body.version)
    return await _response(session, article)


@router.post("/articles/{article_id}/activate", responses=problem_responses(404, 409))
async def activate_article(
    article_id: ArticleId, body: ArticleSwitch, access: Writer, session: DbSession
) -> ArticleResponse:
    """Callers find it again, unless its number was given to another."""
    article = await articles.set_active(session, access.actor, article_id, True, version=body.version)
    return await _response(session, article)


@router.get("/articles/{article_id}/versions", responses=problem_responses(404))
async def list_article_versions(
    article_id: ArticleId, _access: Reader, session: DbSession, paging: Paging
) -> Page[ArticleVersionResponse]:
    """Who changed what when, newest first: each version as it was."""
    before = sort_key(paging.after, an_integer)
    rows = await articles.list_versions(session, article_id, before=before, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (row.version,))
    names = await service.names_of(
        session,
        department_ids={row.department_id for row in page},
        doctor_ids={row.doctor_id for row in page},
    )
    return Page(items=[ArticleVersionResponse.of(row, names) for row in page], next_cursor=next_cursor)


@router.get("/articles/{article_id}/audio", responses=problem_responses(404))
async def get_article_audio(article_id: ArticleId, _access: Reader, session: DbSession) -> list[PartAudioResponse]:
    """How far the audio of title and body is, in each language."""
    article = await articles.get_article(session, article_id)
    audio = await audio_of_articles(session, [article.id])
    return [PartAudioResponse.model_validate(part) for part in audio[article.id]]


async def _page(session: AsyncSession, wanted: ArticleFilter, after: Key | None, limit: int) -> Page[ArticleResponse]:
    key = sort_key(after, a_text, an_integer, a_uuid)
    rows = await articles.list_articles(session, wanted, after=key, limit=limit + 1)
    page, next_cursor = cut_page(rows, limit, lambda row: (row.section, row.number, str(row.id)))
    return Page(items=await _responses(session, page), next_cursor=next_cursor)


async def _response(session: AsyncSession, article: Article) -> ArticleResponse:
    return (await _responses(session, [article]))[0]


async def _responses(session: AsyncSession, rows: Sequence[Article]) -> list[ArticleResponse]:
    names = await service.names_of(
        session, department_ids={row.department_id for row in rows}, doctor_ids={row.doctor_id for row in rows}
    )
    audio = await audio_of_articles(session, [row.id for row in rows])
    return [ArticleResponse.of(row, names, audio[row.id]) for row in rows]
