"""HTTP of the screen pop: whom the caller is, what they want, and who may see it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents.models import Agent
from callcenter.callouts.policy import Home
from callcenter.calls.schemas import CallId
from callcenter.core.clock import now
from callcenter.core.http import DbSession, NumberPlanOf
from callcenter.core.problems import problem_responses
from callcenter.desk import reveals
from callcenter.desk.own_calls import OwnCall, get_own_call
from callcenter.desk.reveals import Reason
from callcenter.desk.routes import AgentAccess, OwnAgent
from callcenter.desk.screen_pop import get_pop
from callcenter.desk.screen_pop_schemas import (
    ChoosePatient,
    ReasonCode,
    Reveal,
    RevealReasonPut,
    RevealReasonResponse,
    ScreenPopResponse,
)
from callcenter.desk.way import WayLabels, tell_way
from callcenter.workorders.scopes import scope_of

router = APIRouter(tags=["desk"], responses=problem_responses(401, 403))

Staff = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]


async def _own_call(call_id: CallId, agent: OwnAgent, session: DbSession, plan: NumberPlanOf) -> OwnCall:
    return await get_own_call(session, agent, call_id, plan)


OwnCallOf = Annotated[OwnCall, Depends(_own_call)]
"""The call of the path, if it is the agent's. Raises CallNotFound."""


@router.get("/agents/me/calls/{call_id}/pop", responses=problem_responses(404))
async def get_screen_pop(
    call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request
) -> ScreenPopResponse:
    """All that is known of the caller, from the first ring on; each look is audited."""
    return await _pop(request, session, access, agent, call)


@router.post("/agents/me/calls/{call_id}/patient", responses=problem_responses(404))
async def choose_patient(
    body: ChoosePatient, call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request
) -> ScreenPopResponse:
    """Say whom the call is about: one of several of the number, or somebody found by search."""
    await reveals.choose_patient(session, access.actor, call, body.patient_id, now())
    return await _pop(request, session, access, agent, call)


@router.post("/agents/me/calls/{call_id}/reveal", responses=problem_responses(404, 409))
async def reveal_patient(
    body: Reveal, call: OwnCallOf, agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request
) -> ScreenPopResponse:
    """See a patient whom the caller has not been verified to be, for a stated reason; for this call and agent."""
    await reveals.reveal(session, access.actor, agent, call, patient_id=body.patient_id, reason=body.reason, at=now())
    return await _pop(request, session, access, agent, call)


@router.get("/reveal-reasons")
async def list_reveal_reasons(_access: Staff, session: DbSession) -> list[RevealReasonResponse]:
    """Why an agent may see a patient who was not verified; also those that are switched off."""
    return [RevealReasonResponse.of(reason) for reason in await reveals.list_reasons(session)]


@router.put("/reveal-reasons/{code}")
async def put_reveal_reason(
    code: Annotated[ReasonCode, Path(examples=["asked_on_the_call"])],
    body: RevealReasonPut,
    access: Admin,
    session: DbSession,
) -> RevealReasonResponse:
    """Create or change a reason; it counts from the next look on."""
    reason = Reason(code, body.label_zh, body.label_en, body.active)
    await reveals.put_reason(session, access.actor, reason)
    return RevealReasonResponse.of(reason)


async def _pop(
    request: Request, session: AsyncSession, access: Access, agent: Agent, call: OwnCall
) -> ScreenPopResponse:
    at = now()
    pop = await get_pop(session, access.actor, agent, call, scope=await scope_of(session, access), at=at)
    today = at.astimezone(Home.of(request.app.state.settings).zone).date()
    return ScreenPopResponse.of(pop, tell_way(call.steps, _labels(request).current()), today=today)


def _labels(request: Request) -> WayLabels:
    """Of this process: made with the first pop."""
    state = request.app.state
    if not hasattr(state, "way_labels"):
        state.way_labels = WayLabels(state.settings.flows_dir)
    labels: WayLabels = state.way_labels
    return labels
