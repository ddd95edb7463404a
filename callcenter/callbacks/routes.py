"""HTTP of call-backs. A supervisor sees and steers those of the queues steered; numbers are masked for the others."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.callbacks import queries, service
from callcenter.callbacks.errors import CallbackRefused, NumberNotCallable
from callcenter.callbacks.models import Callback
from callcenter.callbacks.schemas import (
    CallbackDetail,
    CallbackFiguresResponse,
    CallbackId,
    CallbackRequest,
    CallbackSummary,
    QueueInPath,
    RulesBody,
    State,
)
from callcenter.callbacks.service import CallbackWish, priority_at
from callcenter.callouts.service import CallOut
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.cursors import a_uuid, an_instant, sort_key
from callcenter.core.http import (
    DbSession,
    NumberPlanOf,
    Page,
    Paging,
    cut_page,
    get_database,
    open_transaction,
)
from callcenter.core.problems import problem_responses
from callcenter.queues.errors import QueueNotFound

router = APIRouter(tags=["callbacks"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY))]
Asker = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT))]
Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]
Counter = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.INTEGRATION))]


@router.get("/callbacks")
async def list_callbacks(
    access: Reader,
    session: DbSession,
    paging: Paging,
    queue: Annotated[str | None, Query(max_length=40)] = None,
    state: State | None = None,
) -> Page[CallbackSummary]:
    """Call-backs, newest first."""
    rows = await queries.list_callbacks(
        session,
        queue_name=queue,
        state=state,
        scope=_scope(access),
        after=sort_key(paging.after, an_instant, a_uuid),
        limit=paging.limit,
    )
    page, next_cursor = cut_page(rows, paging.limit, lambda one: (one.requested_at.isoformat(), str(one.id)))
    patients = sorted({str(one.patient_id) for one in page if one.patient_id is not None})
    if patients:
        record_audit(session, access.actor, "callbacks.list", patients=patients)
    items = [CallbackSummary.of(one, show_number=_may_see_numbers(access)) for one in page]
    return Page(items=items, next_cursor=next_cursor)


@router.post("/callbacks", status_code=201, responses=problem_responses(404, 409))
async def request_callback(
    body: CallbackRequest, access: Asker, session: DbSession, request: Request, plan: NumberPlanOf
) -> CallbackSummary:
    """Promise a patient to call. Is one open for this queue and number already, that one is given back."""
    e164 = plan.normalise(body.number)
    if e164 is None:
        raise NumberNotCallable
    if access.has(Role.SUPERVISOR) and not access.covers_queue(body.queue):
        raise QueueNotFound(queue=body.queue)
    at = now()
    wish = CallbackWish(
        queue_name=body.queue,
        priority=priority_at(max(at, body.not_before or at)),
        e164=e164,
        language=body.language,
        did=await _shown_number(session, body),
        patient_id=body.patient_id,
        requested_by=access.actor.name,
        do_not_call_confirmed=body.do_not_call_confirmed,
    )
    try:
        callback = await service.request_callback(
            session, wish, pbx=request.app.state.settings.pbx_name, plan=plan, at=at, not_before=body.not_before
        )
    except NumberNotCallable:
        async with open_transaction(get_database(request)) as kept:  # the request's own is rolled back
            await service.report_not_callable(kept, CallOut(e164, staff=access.actor.name), plan)
        raise
    record_audit(
        session, access.actor, "callbacks.request", subject_id=str(callback.id), patient_id=callback.patient_id
    )
    return CallbackSummary.of(callback, show_number=_may_see_numbers(access))


@router.get("/callbacks/{callback_id}", responses=problem_responses(404))
async def get_callback(callback_id: CallbackId, access: Reader, session: DbSession) -> CallbackDetail:
    """One call-back with its attempts; audited when it names a patient."""
    callback = await service.get_callback(session, callback_id, scope=_scope(access))
    if callback.patient_id is not None:
        record_audit(
            session, access.actor, "callbacks.read", subject_id=str(callback.id), patient_id=callback.patient_id
        )
    return await _detail(session, access, callback)


@router.post("/callbacks/{callback_id}/cancel", responses=problem_responses(404, 409))
async def cancel_callback(callback_id: CallbackId, access: Lead, session: DbSession) -> CallbackDetail:
    """Nobody will be called. Closes one whose result is unknown."""
    callback = await service.cancel_callback(session, access.actor, callback_id, scope=_scope(access), at=now())
    return await _detail(session, access, callback)


@router.post("/callbacks/{callback_id}/retry", responses=problem_responses(404, 409))
async def retry_callback(callback_id: CallbackId, access: Lead, session: DbSession) -> CallbackDetail:
    """Call again, at the old place, although it is unknown whether the patient was dialled."""
    callback = await service.retry_callback(session, access.actor, callback_id, scope=_scope(access), at=now())
    return await _detail(session, access, callback)


@router.get("/queues/{name}/callbacks/figures", responses=problem_responses(404))
async def get_callback_figures(
    name: QueueInPath,
    start: Annotated[AwareDatetime, Query(alias="from", examples=["2026-01-05T00:00:00+08:00"])],
    end: Annotated[AwareDatetime, Query(alias="to", description="Excluded.")],
    access: Counter,
    session: DbSession,
) -> CallbackFiguresResponse:
    """What became of the call-backs that were asked for from `from` until before `to`."""
    if not access.has(Role.QUALITY, Role.INTEGRATION) and not access.covers_queue(name):
        raise QueueNotFound(queue=name)
    figures = await service.get_figures(session, name, start, end)
    return CallbackFiguresResponse.of(figures, queue_name=name, start=start, end=end)


@router.get("/queues/{name}/callbacks/rules", responses=problem_responses(404))
async def get_callback_rules(name: QueueInPath, _access: Reader, session: DbSession) -> RulesBody:
    """What the queue grants."""
    return RulesBody.model_validate(await service.get_rules(session, name))


@router.put("/queues/{name}/callbacks/rules", responses=problem_responses(404))
async def put_callback_rules(name: QueueInPath, body: RulesBody, access: Admin, session: DbSession) -> RulesBody:
    """Change it; call-backs that were promised stay as they are."""
    await service.put_rules(session, name, body.rules())
    record_audit(session, access.actor, "callbacks.put_rules", subject_id=name)
    return body


async def _shown_number(session: AsyncSession, body: CallbackRequest) -> str:
    """Only a number of ours is shown."""
    if body.did is not None:
        if body.did not in await queries.list_did_numbers(session):
            raise CallbackRefused(reason="did")
        return body.did
    did = await queries.find_did(session, body.queue)
    if did is None:
        raise CallbackRefused(reason="did")
    return did


async def _detail(session: AsyncSession, access: Access, callback: Callback) -> CallbackDetail:
    await session.flush()
    attempts = list(await service.list_attempts(session, callback))
    return CallbackDetail.with_attempts(callback, attempts, show_number=_may_see_numbers(access))


def _scope(access: Access) -> frozenset[str]:
    """Quality sees all queues; a supervisor those steered."""
    return frozenset() if access.has(Role.QUALITY) else access.queue_scope


def _may_see_numbers(access: Access) -> bool:
    return access.has(Role.SUPERVISOR)
