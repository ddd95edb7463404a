"""HTTP of what agents write about calls: notes, dispositions, and the forms of queues."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import Cause
from callcenter.agents.schemas import AgentResponse
from callcenter.calls.errors import InvalidPeriod
from callcenter.calls.schemas import CallId, QueueInPath, QueueName
from callcenter.calls.scopes import call_scope_of
from callcenter.calls.search import get_record
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.cursors import a_bigint, an_instant, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.desk import dispositions, notes, record_queries
from callcenter.desk.record_schemas import (
    CallRecords,
    DispositionPut,
    DispositionResponse,
    FormPut,
    FormResponse,
    NotePut,
    NoteResponse,
)
from callcenter.desk.routes import AgentAccess, OwnAgent
from callcenter.desk.screen_pop_routes import OwnCallOf
from callcenter.queues import service as queues

router = APIRouter(tags=["desk"], responses=problem_responses(401, 403))

Admin = Annotated[Access, Depends(require(Role.ADMIN))]
Staff = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION))]
Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.INTEGRATION))]


@router.put("/agents/me/calls/{call_id}/note", responses=problem_responses(404, 409))
async def put_own_note(
    body: NotePut, call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession
) -> NoteResponse:
    """Write the call's note, during the call or later. 409 `note-changed`: read it again first."""
    note = await notes.put_note(
        session, access.actor, call, text=body.text, version=body.version, agent_number=agent.number, at=now()
    )
    return NoteResponse.model_validate(note)


@router.put("/agents/me/calls/{call_id}/disposition", responses=problem_responses(404))
async def put_own_disposition(
    body: DispositionPut, call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession
) -> DispositionResponse:
    """Say what the call was about, by the queue's form; during wrap-up or later."""
    disposition = await dispositions.put_disposition(
        session,
        access.actor,
        agent,
        call,
        queue_name=body.queue,
        form_version=body.form_version,
        answers=body.answers,
        at=now(),
    )
    return DispositionResponse.model_validate(disposition)


@router.post("/agents/me/wrap-up/end", responses=problem_responses(404, 409))
async def end_own_wrap_up(agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request) -> AgentResponse:
    """Done with what the call asked for: the next one may come before wrap-up is over."""
    locked = await agents.get_agent(session, agent.number, lock=True)
    pbx = request.app.state.settings.pbx_name
    await queues.end_wrap_up(session, locked, pbx=pbx, cause=Cause.AGENT, actor_name=access.actor.name)
    record_audit(session, access.actor, "agents.end_wrap_up", subject_id=locked.number)
    await session.flush()
    return AgentResponse.model_validate(locked)


@router.get("/queues/{name}/disposition-form", responses=problem_responses(404))
async def get_disposition_form(
    name: QueueInPath,
    _access: Staff,
    session: DbSession,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="A former one; null: what counts.")] = None,
) -> FormResponse:
    """What agents of the queue are asked after a call."""
    return FormResponse.of(await dispositions.get_form(session, name, version))


@router.put("/queues/{name}/disposition-form", responses=problem_responses(404))
async def put_disposition_form(name: QueueInPath, body: FormPut, access: Admin, session: DbSession) -> FormResponse:
    """A new version, from the next call on; former ones and their answers stay."""
    fields = [field.field() for field in body.fields]
    return FormResponse.of(await dispositions.put_form(session, access.actor, name, fields, now()))


@router.get("/calls/{call_id}/records", responses=problem_responses(404))
async def get_call_records(call_id: CallId, access: Reader, session: DbSession) -> CallRecords:
    """What agents wrote about a call, with every version of the note; audited."""
    call = (await get_record(session, call_id, await call_scope_of(session, access))).call
    record_audit(session, access.actor, "calls.read_records", subject_id=call.id, patient_id=call.patient_id)
    written = await record_queries.list_note_versions(session, [call.id])
    versions = [NoteResponse.model_validate(note) for note in written]
    given = await record_queries.list_dispositions(session, [call.id])
    return CallRecords(
        call_id=call.id,
        note=versions[-1] if versions else None,
        note_versions=versions,
        dispositions=[DispositionResponse.model_validate(one) for one in given],
    )


@router.get("/dispositions")
async def list_dispositions(
    start: Annotated[AwareDatetime, Query(alias="from", examples=["2026-01-05T00:00:00+08:00"])],
    end: Annotated[AwareDatetime, Query(alias="to", description="Excluded.")],
    access: Reader,
    session: DbSession,
    paging: Paging,
    queue: QueueName | None = None,
) -> Page[DispositionResponse]:
    """Dispositions in the order in which they were saved last: what another system asks to stay in step."""
    if end <= start:
        raise InvalidPeriod
    wanted = {queue} if queue is not None else None
    if not access.has(Role.QUALITY, Role.INTEGRATION) and access.queue_scope:
        wanted = set(access.queue_scope) if wanted is None else wanted & access.queue_scope
    rows = await record_queries.list_dispositions_between(
        session, start, end, queues=wanted, after=sort_key(paging.after, an_instant, a_bigint), limit=paging.limit
    )
    page, next_cursor = cut_page(rows, paging.limit, lambda one: (one.saved_at.isoformat(), one.id))
    record_audit(session, access.actor, "dispositions.list", rows=len(page), queue=queue)
    return Page(items=[DispositionResponse.model_validate(one) for one in page], next_cursor=next_cursor)
