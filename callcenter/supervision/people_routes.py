"""HTTP of what supervisors do with agents and queues: states, queues, messages, open and closed. Audited."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import Cause, Wanted
from callcenter.agents.schemas import AgentNumber, AgentResponse
from callcenter.calendar.public_days import Place
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.http import DbSession
from callcenter.core.problems import problem_responses
from callcenter.desk.service import set_state
from callcenter.queues.schemas import QueueName
from callcenter.queues.service import get_queue
from callcenter.supervision import members, queue_opening, targets, telling
from callcenter.supervision.action_schemas import (
    MemberOf,
    MessageSent,
    MessageTo,
    QueueOpeningPut,
    QueueOpeningResponse,
    StateForced,
)

router = APIRouter(tags=["supervision"], responses=problem_responses(401, 403, 404, 409))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Number = Annotated[AgentNumber, Path(examples=["1001"])]
Name = Annotated[QueueName, Path(examples=["consultation"])]


def _pbx(request: Request) -> str:
    return str(request.app.state.settings.pbx_name)


Pbx = Annotated[str, Depends(_pbx)]


@router.put("/supervision/agents/{number}/state")
async def force_state(number: Number, body: StateForced, access: Lead, session: DbSession, pbx: Pbx) -> AgentResponse:
    """Make an agent available, paused with a reason, or logged out, under the rules that hold for the agent too."""
    agent = await agents.get_agent(session, number, lock=True)
    await targets.require_agent(session, access, agent)
    await set_state(
        session,
        agent,
        Wanted(body.wanted),
        seat=None,
        reason=body.reason,
        pbx=pbx,
        cause=Cause.SUPERVISOR,
        actor_name=access.actor.name,
    )
    record_audit(
        session, access.actor, "supervision.force_state", subject_id=number, wanted=body.wanted, reason=body.reason
    )
    await session.flush()
    return AgentResponse.model_validate(agent)


@router.put("/supervision/agents/{number}/queues/{name}", status_code=204)
async def sign_in_or_out(
    number: Number, name: Name, body: MemberOf, access: Lead, session: DbSession, request: Request, pbx: Pbx
) -> None:
    """Sign an agent into a queue or out of it, for today or for good; a call in progress goes on."""
    targets.require_queue(access, name)
    agent = await agents.get_agent(session, number, lock=True)
    midnight = now().astimezone(Place.of(request.app.state.settings).zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    ) + timedelta(days=1)
    await members.set_member(
        session,
        agent,
        name,
        body.penalty if body.member else None,
        until_at=midnight if body.until == "today" else None,
        pbx=pbx,
        actor_name=access.actor.name,
    )
    record_audit(
        session,
        access.actor,
        "supervision.sign_in" if body.member else "supervision.sign_out",
        subject_id=name,
        agent=number,
        until=body.until,
    )


@router.post("/supervision/messages")
async def send_message(body: MessageTo, access: Lead, session: DbSession) -> MessageSent:
    """A message to one agent, or to all of a queue, at their desks."""
    if body.agent is not None:
        agent = await agents.get_agent(session, body.agent)
        await targets.require_agent(session, access, agent)
        recipients = [agent]
    elif body.queue is not None:
        targets.require_queue(access, body.queue)
        await get_queue(session, body.queue)
        recipients = await telling.list_present(session, [body.queue])
    else:
        recipients = await telling.list_present(session, targets.scope_of(access))
    await telling.tell(session, access, recipients, body.text)
    record_audit(
        session,
        access.actor,
        "supervision.message",
        subject_id=body.agent or body.queue,
        recipients=[agent.number for agent in recipients],
    )
    return MessageSent(recipients=len(recipients))


@router.put("/supervision/queues/{name}/opening")
async def put_queue_opening(
    name: Name, body: QueueOpeningPut, access: Lead, session: DbSession
) -> QueueOpeningResponse:
    """Close a queue to new callers, from the next one on, or open it again. Who waits in it is served."""
    targets.require_queue(access, name)
    queue = await queue_opening.set_open(session, name, is_open=body.open, actor_name=access.actor.name)
    record_audit(
        session, access.actor, "supervision.open_queue" if body.open else "supervision.close_queue", subject_id=name
    )
    return QueueOpeningResponse(queue=name, closed_at=queue.closed_at, closed_by=queue.closed_by)
