"""HTTP of an agent's own calls and figures, and of what comes of a call: a work order, a promise to call back."""

from fastapi import APIRouter, Request

from callcenter.callbacks import queries as callback_queries
from callcenter.callbacks import service as callbacks
from callcenter.callbacks.errors import CallbackRefused
from callcenter.callbacks.schemas import CallbackSummary
from callcenter.callbacks.service import CallbackWish, priority_at
from callcenter.callouts import do_not_call
from callcenter.callouts.do_not_call import Whom
from callcenter.callouts.do_not_call_schemas import DoNotCallResponse
from callcenter.callouts.policy import Home
from callcenter.calls.search import CallFilter, CallScope, list_calls
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.cursors import a_text, an_instant, sort_key
from callcenter.core.http import DbSession, NumberPlanOf, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.desk import dispositions, record_queries, reveals
from callcenter.desk.errors import NoNumberOfCall, PatientNotOfCall
from callcenter.desk.own_calls import OwnCall
from callcenter.desk.own_figures import get_own_figures
from callcenter.desk.own_schemas import (
    OwnCallbackRequest,
    OwnCallSummary,
    OwnDoNotCall,
    OwnFiguresResponse,
    OwnWorkOrderRequest,
)
from callcenter.desk.routes import AgentAccess, OwnAgent
from callcenter.desk.screen_pop_routes import OwnCallOf
from callcenter.workorders import service as workorders
from callcenter.workorders.routes import shown
from callcenter.workorders.schemas import WorkOrderResponse

router = APIRouter(tags=["desk"], responses=problem_responses(401, 403, 404))


@router.get("/agents/me/calls")
async def list_own_calls(
    agent: OwnAgent,
    access: AgentAccess,
    session: DbSession,
    paging: Paging,
) -> Page[OwnCallSummary]:
    """The calls that the agent talked in, newest first, with what was written about them."""
    wanted = CallFilter(agent=agent.number)
    after = sort_key(paging.after, an_instant, a_text)
    rows = await list_calls(session, wanted, CallScope(agent_number=agent.number), after=after, limit=paging.limit)
    calls, next_cursor = cut_page(rows, paging.limit, lambda call: (call.started_at.isoformat(), call.id))
    ids = [call.id for call in calls]
    notes = await record_queries.notes_of(session, ids)
    given = await record_queries.dispositions_of(session, ids)
    patients = sorted({str(call.patient_id) for call in calls if call.patient_id is not None})
    if patients:
        record_audit(session, access.actor, "calls.list", patients=patients)
    items = []
    for call in calls:
        own = next((one for one in given.get(call.id, ()) if one.agent_number == agent.number), None)
        items.append(OwnCallSummary.of_own(call, notes.get(call.id), own))
    return Page(items=items, next_cursor=next_cursor)


@router.get("/agents/me/figures")
async def get_figures_of_today(agent: OwnAgent, session: DbSession, request: Request) -> OwnFiguresResponse:
    """The agent's own day so far, in the hospital's time zone."""
    settings = request.app.state.settings
    zone = Home.of(settings).zone
    return OwnFiguresResponse.of(await get_own_figures(session, agent, now(), zone=zone, pbx=settings.pbx_name))


@router.post("/agents/me/calls/{call_id}/callback", status_code=201, responses=problem_responses(409))
async def request_own_callback(
    body: OwnCallbackRequest,
    call: OwnCallOf,
    agent: OwnAgent,
    access: AgentAccess,
    session: DbSession,
    request: Request,
    plan: NumberPlanOf,
) -> CallbackSummary:
    """Promise the caller to call, at the number of the call. One that is open already is given back."""
    at = now()
    queue = body.queue or next(iter(await dispositions.queues_of_call(session, agent, call)), None)
    did = body.did or (await callback_queries.find_did(session, queue) if queue else None)
    if queue is None or did is None or did not in await callback_queries.list_did_numbers(session):
        raise CallbackRefused(reason="queue" if queue is None else "did")
    shown_patient = await reveals.get_shown(session, agent, call)
    wish = CallbackWish(
        queue_name=queue,
        priority=priority_at(max(at, body.not_before or at)),
        e164=_number_of(call),
        language=body.language or call.language or "zh",
        did=did,
        patient_id=shown_patient.patient_id,
        call_id=call.id,
        requested_by=access.actor.name,
        do_not_call_confirmed=body.do_not_call_confirmed,
    )
    callback = await callbacks.request_callback(
        session, wish, pbx=request.app.state.settings.pbx_name, plan=plan, at=at, not_before=body.not_before
    )
    record_audit(
        session, access.actor, "callbacks.request", subject_id=str(callback.id), patient_id=callback.patient_id
    )
    return CallbackSummary.of(callback, show_number=False)


@router.post("/agents/me/calls/{call_id}/work-orders", status_code=201)
async def open_own_work_order(
    body: OwnWorkOrderRequest, call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession
) -> WorkOrderResponse:
    """What was heard on the call is somebody's work: of the call's queue, or another's; a complaint is the
    supervisors'."""
    patient_id = body.patient_id or (await reveals.get_shown(session, agent, call)).patient_id
    order = await workorders.open_work_order(
        session,
        access.actor,
        kind=body.kind,
        call_id=call.id,
        request=body.request,
        category=body.category,
        queue_name=body.queue or next(iter(await dispositions.queues_of_call(session, agent, call)), None),
        patient_id=patient_id,
        at=now(),
    )
    return (await shown(session, access, [order]))[0]


@router.post("/agents/me/calls/{call_id}/do-not-call", status_code=201, responses=problem_responses(409))
async def add_caller_to_do_not_call(
    body: OwnDoNotCall, call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession
) -> DoNotCallResponse:
    """The caller of this call does not want to be called: at this number, which the agent need not know, or at any."""
    at = now()
    whom: Whom | None = (await reveals.get_shown(session, agent, call)).patient_id if body.person else _number_of(call)
    if whom is None:
        raise PatientNotOfCall
    entry, _ = await do_not_call.add_entry(
        session,
        access.actor,
        whom,
        reason=body.reason,
        until=body.until,
        call_id=call.id,
        at=at,
    )
    return DoNotCallResponse.of(entry, at=at, show_number=False)


def _number_of(call: OwnCall) -> str:
    if call.caller_number is None:
        raise NoNumberOfCall
    return call.caller_number
