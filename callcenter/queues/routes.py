"""HTTP of queues, their members, who waits in them, and the numbers that lead to us."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.schemas import AgentNumber
from callcenter.core.audit import record_audit
from callcenter.core.errors import Forbidden
from callcenter.core.http import DbSession
from callcenter.core.logging import mask
from callcenter.core.problems import problem_responses
from callcenter.queues import queries, service
from callcenter.queues.schemas import (
    DidNumber,
    DidPut,
    DidResponse,
    MemberPut,
    MemberResponse,
    QueueName,
    QueuePut,
    QueueResponse,
    WaitingResponse,
)

router = APIRouter(tags=["queues"])

Admin = Annotated[Access, Depends(require(Role.ADMIN))]
Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Staff = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY))]
Name = Annotated[QueueName, Path(examples=["consultation"])]
Number = Annotated[AgentNumber, Path(examples=["1001"])]


def _pbx(request: Request) -> str:
    return str(request.app.state.settings.pbx_name)


Pbx = Annotated[str, Depends(_pbx)]


@router.get("/queues", responses=problem_responses(401, 403))
async def list_queues(_access: Staff, session: DbSession) -> list[QueueResponse]:
    """All queues, also switched-off ones."""
    return [QueueResponse.model_validate(queue) for queue in await queries.list_queues(session)]


@router.put("/queues/{name}", responses=problem_responses(401, 403, 409))
async def put_queue(name: Name, body: QueuePut, access: Admin, session: DbSession, pbx: Pbx) -> QueueResponse:
    """Create or change a queue. Asterisk reads it at once; calls in it go on."""
    queue = await service.put_queue(session, name, body.model_dump(), pbx=pbx, cause=access.actor.name)
    record_audit(session, access.actor, "queues.put", subject_id=name)
    return QueueResponse.model_validate(queue)


@router.get("/queues/{name}/waiting", responses=problem_responses(401, 403, 404))
async def list_waiting(name: Name, access: Lead, session: DbSession) -> list[WaitingResponse]:
    """Who waits now, next first. Numbers are masked."""
    _require_scope(access, name)
    callers = await service.list_waiting(session, name)
    return [
        WaitingResponse(
            uniqueid=caller.uniqueid,
            caller_number=mask(caller.caller_number) if caller.caller_number else None,
            position=position,
            joined_at=caller.joined_at,
        )
        for position, caller in enumerate(callers, start=1)
    ]


@router.get("/queues/{name}/members", responses=problem_responses(401, 403, 404))
async def list_members(name: Name, access: Lead, session: DbSession) -> list[MemberResponse]:
    """Which agents serve the queue when they are logged in."""
    _require_scope(access, name)
    await service.get_queue(session, name)
    return [
        MemberResponse(agent_number=agent.number, display_name=agent.display_name, penalty=membership.penalty)
        for membership, agent in await queries.list_members(session, name)
    ]


@router.put("/queues/{name}/members/{number}", status_code=204, responses=problem_responses(401, 403, 404))
async def put_member(name: Name, number: Number, body: MemberPut, access: Lead, session: DbSession, pbx: Pbx) -> None:
    """Put an agent into a queue, or change the penalty there; effective at once."""
    _require_scope(access, name)
    agent = await agents.get_agent(session, number, lock=True)
    await service.set_membership(session, agent, name, body.penalty, pbx=pbx, cause=access.actor.name)
    record_audit(session, access.actor, "queues.put_member", subject_id=name, agent=number, penalty=body.penalty)


@router.delete("/queues/{name}/members/{number}", status_code=204, responses=problem_responses(401, 403, 404))
async def remove_member(name: Name, number: Number, access: Lead, session: DbSession, pbx: Pbx) -> None:
    """Take an agent out of a queue; a call in progress goes on."""
    _require_scope(access, name)
    agent = await agents.get_agent(session, number, lock=True)
    await service.remove_membership(session, agent, name, pbx=pbx, cause=access.actor.name)
    record_audit(session, access.actor, "queues.remove_member", subject_id=name, agent=number)


@router.get("/dids", responses=problem_responses(401, 403))
async def list_dids(_access: Lead, session: DbSession) -> list[DidResponse]:
    """The numbers that lead to us."""
    return [DidResponse.model_validate(did) for did in await queries.list_dids(session)]


@router.put("/dids/{number}", responses=problem_responses(401, 403, 404))
async def put_did(
    number: Annotated[DidNumber, Path(examples=["8000"])], body: DidPut, access: Admin, session: DbSession, pbx: Pbx
) -> DidResponse:
    """Create or change a number; which flow answers it stands in the flow (``entry``)."""
    did = await service.put_did(session, number, body.model_dump(), pbx=pbx, cause=access.actor.name)
    record_audit(session, access.actor, "dids.put", subject_id=number)
    return DidResponse.model_validate(did)


def _require_scope(access: Access, queue_name: str) -> None:
    if not access.covers_queue(queue_name):
        raise Forbidden(queue=queue_name)
