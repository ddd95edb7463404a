"""HTTP of an agent's own desk: ``/agents/me``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents.errors import AgentNotFound
from callcenter.agents.models import Agent, Cause, Wanted
from callcenter.agents.schemas import AgentResponse
from callcenter.core.audit import record_audit
from callcenter.core.http import DbSession
from callcenter.core.problems import problem_responses
from callcenter.desk import service, tickets
from callcenter.desk.schemas import StatePut, TicketCreated

router = APIRouter(tags=["desk"])

AgentAccess = Annotated[Access, Depends(require(Role.AGENT, Role.EXPERT))]


async def _own_agent(access: AgentAccess, session: DbSession) -> Agent:
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    if agent is None:
        raise AgentNotFound(user=access.actor.name)
    return agent


OwnAgent = Annotated[Agent, Depends(_own_agent)]


@router.get("/agents/me", responses=problem_responses(401, 403, 404))
async def get_own_state(agent: OwnAgent) -> AgentResponse:
    """The agent behind this log-in: what they want and do now."""
    return AgentResponse.model_validate(agent)


@router.put("/agents/me/state", responses=problem_responses(401, 403, 404, 409))
async def put_own_state(
    body: StatePut, agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request
) -> AgentResponse:
    """Log in at a seat, be available, pause with a reason, log out. Asterisk follows within the second."""
    locked = await agents.get_agent(session, agent.number, lock=True)
    await service.set_state(
        session,
        locked,
        Wanted(body.wanted),
        seat=body.seat,
        reason=body.reason,
        pbx=request.app.state.settings.pbx_name,
        cause=Cause.AGENT,
        actor_name=access.actor.name,
    )
    record_audit(session, access.actor, "agents.set_state", subject_id=locked.number, wanted=body.wanted)
    await session.flush()
    return AgentResponse.model_validate(locked)


@router.post("/agents/me/tickets", status_code=201, responses=problem_responses(401, 403, 404))
async def create_ticket(agent: OwnAgent, access: AgentAccess, session: DbSession) -> TicketCreated:
    """A way in to `/agents/me/socket`, good once and for half a minute (docs/agent-api.md)."""
    issued = await tickets.issue(session, agent, access.token_digest)
    return TicketCreated(ticket=issued.ticket, expires_at=issued.expires_at)
