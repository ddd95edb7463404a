"""HTTP of emergency announcements: what callers hear first, until it is switched off."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.clock import now
from callcenter.core.cursors import a_uuid, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.ivr import announcements
from callcenter.ivr.announcements import Scope, announcement_slot
from callcenter.ivr.models import Announcement
from callcenter.queues.models import Did
from callcenter.queues.service import get_queue
from callcenter.speech.languages import Language
from callcenter.supervision import targets
from callcenter.supervision.action_schemas import AnnouncementResponse, AnnouncementStart
from callcenter.supervision.errors import NumberNotFound, OutsideScope

router = APIRouter(tags=["supervision"], responses=problem_responses(401, 403, 404, 409))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]


@router.get("/supervision/announcements")
async def list_announcements(_access: Lead, session: DbSession, paging: Paging) -> Page[AnnouncementResponse]:
    """Emergency announcements, those that are played and those that were, the newest first."""
    before = sort_key(paging.after, a_uuid)
    rows = await announcements.list_announcements(session, open_only=False, before=before, limit=paging.limit + 1)
    page, next_cursor = cut_page(rows, paging.limit, lambda row: (str(row.id),))
    return Page(items=[_response(row) for row in page], next_cursor=next_cursor)


@router.post("/supervision/announcements", status_code=201)
async def start_announcement(body: AnnouncementStart, access: Lead, session: DbSession) -> AnnouncementResponse:
    """Callers hear it first, from the next call on, as soon as it is spoken: those of one number, one queue, or all.

    A key cuts it short, and 0 still leads to a person.
    """
    scope, name = await _place(body, access, session)
    texts: dict[Language, str] = {"zh": body.text_zh, "en": body.text_en}
    return _response(await announcements.start_announcement(session, access.actor, scope, name, texts, at=now()))


@router.post("/supervision/announcements/{announcement_id}/end")
async def end_announcement(announcement_id: UUID, access: Lead, session: DbSession) -> AnnouncementResponse:
    """Switch it off, from the next call on; one that is over stays as it is."""
    found = await announcements.get_announcement(session, announcement_id)
    await _require(found.scope, found.name, access, session)
    return _response(await announcements.end_announcement(session, access.actor, announcement_id, at=now()))


async def _place(body: AnnouncementStart, access: Access, session: DbSession) -> tuple[Scope, str]:
    scope: Scope = "queue" if body.queue else "number" if body.number else "all"
    name = body.queue or body.number or ""
    await _require(scope, name, access, session)
    return scope, name


async def _require(scope: str, name: str, access: Access, session: DbSession) -> None:
    """A number is steered with the queue that it falls back to; all callers only without a scope.

    Raises QueueNotFound, NumberNotFound, OutsideScope.
    """
    if scope == "queue":
        targets.require_queue(access, (await get_queue(session, name)).name)
    elif scope == "number":
        did = await session.get(Did, name)
        if did is None:
            raise NumberNotFound(number=name)
        targets.require_queue(access, did.fallback_queue)
    elif targets.scope_of(access) is not None:
        raise OutsideScope


def _response(row: Announcement) -> AnnouncementResponse:
    return AnnouncementResponse(
        id=row.id,
        scope=row.scope,
        name=row.name,
        text_zh=row.text_zh,
        text_en=row.text_en,
        slot=announcement_slot(row.id),
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
