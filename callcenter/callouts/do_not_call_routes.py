"""HTTP of the do-not-call list. A number stands in bodies only; most see it masked."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.callouts import do_not_call
from callcenter.callouts.do_not_call_schemas import (
    DoNotCallAdd,
    DoNotCallRemove,
    DoNotCallResponse,
    DoNotCallSearch,
)
from callcenter.callouts.errors import NumberNotReadable
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.cursors import a_uuid, an_instant, decode_cursor, sort_key
from callcenter.core.http import DbSession, NumberPlanOf, Page, cut_page
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["callouts"], responses=problem_responses(401, 403))

STAFF = (Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.SCHEDULER, Role.INTEGRATION)
Staff = Annotated[Access, Depends(require(*STAFF))]
Keeper = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.INTEGRATION))]
EntryId = Annotated[UUID, Path(description="Id of the entry.")]


@router.post("/do-not-call", status_code=201, responses={200: {"model": DoNotCallResponse}})
async def add_do_not_call(
    body: DoNotCallAdd, access: Staff, session: DbSession, plan: NumberPlanOf, response: Response
) -> DoNotCallResponse:
    """Nobody calls this number any more, until then or for good. One that is listed takes the new reason (200)."""
    entry, is_new = await do_not_call.add_entry(
        session,
        access.actor,
        readable(plan, body.number),
        reason=body.reason,
        until=body.until,
        call_id=body.call_id,
        at=now(),
    )
    response.status_code = 201 if is_new else 200
    return DoNotCallResponse.of(entry, at=now(), show_number=may_see_numbers(access))


@router.post("/do-not-call/search")
async def search_do_not_call(
    body: DoNotCallSearch, access: Staff, session: DbSession, plan: NumberPlanOf
) -> Page[DoNotCallResponse]:
    """The list, newest first, or what stands there of one number, or of one patient; audited."""
    at = now()
    rows = await do_not_call.list_entries(
        session,
        whom=body.patient_id or (readable(plan, body.number) if body.number is not None else None),
        with_removed=body.with_removed,
        after=sort_key(decode_cursor(body.cursor), an_instant, a_uuid),
        limit=body.limit,
        at=at,
    )
    page, next_cursor = cut_page(rows, body.limit, lambda one: (one.added_at.isoformat(), str(one.id)))
    record_audit(
        session,
        access.actor,
        "callouts.list_do_not_call",
        patient_id=body.patient_id,
        rows=len(page),
        by_number=body.number is not None,
    )
    items = [DoNotCallResponse.of(one, at=at, show_number=may_see_numbers(access)) for one in page]
    return Page(items=items, next_cursor=next_cursor)


@router.post("/do-not-call/{entry_id}/remove", responses=problem_responses(404, 409))
async def remove_do_not_call(
    entry_id: EntryId, body: DoNotCallRemove, access: Keeper, session: DbSession
) -> DoNotCallResponse:
    """The number, or the person, may be called again; the entry stays, with who took it back and why."""
    at = now()
    entry = await do_not_call.remove_entry(session, access.actor, entry_id, reason=body.reason, at=at)
    return DoNotCallResponse.of(entry, at=at, show_number=may_see_numbers(access))


def readable(plan: NumberPlan, raw: str) -> str:
    """E.164. Raises NumberNotReadable."""
    e164 = plan.normalise(raw)
    if e164 is None:
        raise NumberNotReadable
    return e164


def may_see_numbers(access: Access) -> bool:
    return access.has(Role.SUPERVISOR, Role.INTEGRATION)
