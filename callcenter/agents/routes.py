"""HTTP of agents, seats and pause reasons. What an agent does with their own state: desk/routes.py."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from callcenter.accounts import service as accounts
from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import queries, service
from callcenter.agents.models import PauseReason, SeatKind, Skill
from callcenter.agents.schemas import (
    AgentCreate,
    AgentNumber,
    AgentResponse,
    AgentSkills,
    Code,
    PauseReasonPut,
    PauseReasonResponse,
    SeatCreate,
    SeatCreated,
    SeatResponse,
    SkillPut,
    SkillResponse,
    StateChangeResponse,
)
from callcenter.asterisk.commands import Render, request_command
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_bigint, sort_key
from callcenter.core.http import CodeKey, DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["agents"])

Admin = Annotated[Access, Depends(require(Role.ADMIN))]
Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Staff = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT))]
ReasonReader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY))]
Number = Annotated[AgentNumber, Path(examples=["1001"])]


@router.get("/agents", responses=problem_responses(401, 403))
async def list_agents(_access: Lead, session: DbSession) -> list[AgentResponse]:
    """All agents with what they want and do now."""
    return [AgentResponse.model_validate(agent) for agent in await queries.list_agents(session)]


@router.post("/agents", status_code=201, responses=problem_responses(401, 403, 404, 409))
async def create_agent(body: AgentCreate, access: Admin, session: DbSession, code_key: CodeKey) -> AgentResponse:
    """A new agent, logged out."""
    agent = await service.create_agent(
        session,
        number=body.number,
        display_name=body.display_name,
        pin=body.pin.get_secret_value() if body.pin else None,
        key=code_key,
    )
    if body.username is not None:
        agent.user_id = (await accounts.get_user_by_name(session, body.username)).id
        await session.flush()
    record_audit(session, access.actor, "agents.create", subject_id=agent.number)
    return AgentResponse.model_validate(agent)


@router.get("/agents/{number}", responses=problem_responses(401, 403, 404))
async def get_agent(number: Number, _access: Lead, session: DbSession) -> AgentResponse:
    """One agent."""
    return AgentResponse.model_validate(await service.get_agent(session, number))


@router.get("/agents/{number}/changes", responses=problem_responses(401, 403, 404))
async def list_changes(number: Number, _access: Lead, session: DbSession, paging: Paging) -> Page[StateChangeResponse]:
    """The agent's state changes, newest first, each with its time and cause."""
    agent = await service.get_agent(session, number)
    before = sort_key(paging.after, a_bigint)
    rows = await queries.list_changes(session, agent.id, before=before, limit=paging.limit + 1)
    changes, next_cursor = cut_page(rows, paging.limit, lambda change: (change.sequence,))
    return Page(items=[StateChangeResponse.model_validate(change) for change in changes], next_cursor=next_cursor)


@router.get("/seats", responses=problem_responses(401, 403))
async def list_seats(_access: Staff, session: DbSession) -> list[SeatResponse]:
    """All seats, and whether a telephone is registered there."""
    return [SeatResponse.model_validate(seat) for seat in await queries.list_seats(session)]


@router.post("/seats", status_code=201, responses=problem_responses(401, 403, 409))
async def create_seat(body: SeatCreate, access: Admin, session: DbSession, request: Request) -> SeatCreated:
    """A SIP account with a random password, known to Asterisk at once."""
    seat = await service.create_seat(session, name=body.name, label=body.label, kind=body.kind)
    await request_command(session, request.app.state.settings.pbx_name, Render(), cause=access.actor.name)
    record_audit(session, access.actor, "seats.create", subject_id=seat.name)
    return SeatCreated(
        **SeatResponse.model_validate(seat).model_dump(),
        sip_password=seat.sip_password if seat.kind == SeatKind.PHONE else None,
    )


@router.get("/pause-reasons", responses=problem_responses(401, 403))
async def list_pause_reasons(_access: ReasonReader, session: DbSession) -> list[PauseReasonResponse]:
    """The reasons an agent may give."""
    return [PauseReasonResponse.model_validate(reason) for reason in await queries.list_pause_reasons(session)]


@router.put("/pause-reasons/{code}", responses=problem_responses(401, 403, 409))
async def put_pause_reason(
    code: Annotated[Code, Path(examples=["lunch"])], body: PauseReasonPut, access: Admin, session: DbSession
) -> PauseReasonResponse:
    """Create or change a reason; effective at once."""
    reason = await session.merge(PauseReason(code=code, **body.model_dump()))
    await session.flush()
    record_audit(session, access.actor, "pause_reasons.put", subject_id=code)
    return PauseReasonResponse.model_validate(reason)


@router.get("/skills", responses=problem_responses(401, 403))
async def list_skills(_access: Staff, session: DbSession) -> list[SkillResponse]:
    """The skills that agents may have and queues may ask for."""
    return [SkillResponse.model_validate(skill) for skill in await queries.list_skills(session)]


@router.put("/skills/{code}", responses=problem_responses(401, 403))
async def put_skill(
    code: Annotated[Code, Path(examples=["cantonese"])], body: SkillPut, access: Admin, session: DbSession
) -> SkillResponse:
    """Create or rename a skill."""
    skill = await session.merge(Skill(code=code, **body.model_dump()))
    await session.flush()
    record_audit(session, access.actor, "skills.put", subject_id=code)
    return SkillResponse.model_validate(skill)


@router.get("/agents/{number}/skills", responses=problem_responses(401, 403, 404))
async def get_skills(number: Number, _access: Lead, session: DbSession) -> AgentSkills:
    """What the agent can do, and how well."""
    agent = await service.get_agent(session, number)
    return AgentSkills(levels={one.skill: one.level for one in await queries.list_skills_of(session, agent.id)})


@router.put("/agents/{number}/skills", responses=problem_responses(401, 403, 404))
async def put_skills(number: Number, body: AgentSkills, access: Lead, session: DbSession) -> AgentSkills:
    """All skills of the agent anew; queues that ask for one ring in that order within seconds."""
    agent = await service.get_agent(session, number, lock=True)
    await service.set_skills(session, agent, body.levels)
    record_audit(session, access.actor, "agents.put_skills", subject_id=number, levels=body.levels)
    return body
