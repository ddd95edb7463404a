"""HTTP of preview dialling: the agent sees the contact, then dials or skips with a reason."""

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access
from callcenter.callouts.policy import Home
from callcenter.campaigns import dialling, previews
from callcenter.campaigns.previews import Offer
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.http import DbSession, NumberPlanOf
from callcenter.core.problems import problem_responses
from callcenter.desk.call_routes import OwnAsker
from callcenter.desk.call_schemas import DialAccepted
from callcenter.desk.preview_schemas import OfferResponse, PreviewResponse, SkipBody
from callcenter.desk.routes import AgentAccess, OwnAgent

router = APIRouter(tags=["desk"], responses=problem_responses(401, 403, 404))


@router.get("/agents/me/preview")
async def get_preview(agent: OwnAgent, access: AgentAccess, session: DbSession) -> PreviewResponse:
    """The contact that was offered and is not decided on."""
    at = now()
    found = await previews.find_offer(session, agent, at)
    has_campaigns = await previews.has_campaigns(session, agent, at)
    return PreviewResponse(has_campaigns=has_campaigns, offer=_shown(session, access, found))


@router.post("/agents/me/preview", responses=problem_responses(409))
async def next_preview(
    asker: OwnAsker, access: AgentAccess, session: DbSession, plan: NumberPlanOf, request: Request
) -> PreviewResponse:
    """The next contact who is due. Nobody else calls them for five minutes."""
    settings, at = request.app.state.settings, now()
    rules = await dialling.read(session, asker.pbx, Home.of(settings), plan, at)
    found = await previews.offer(session, asker.agent, rules, at)
    return PreviewResponse(has_campaigns=True, offer=_shown(session, access, found))


@router.post("/agents/me/preview/dial", status_code=202, responses=problem_responses(409))
async def dial_preview(asker: OwnAsker, access: AgentAccess, session: DbSession, plan: NumberPlanOf) -> DialAccepted:
    """The own telephone rings; once answered, the contact is dialled."""
    command, call_id = await previews.dial(session, asker.agent, plan, now())
    record_audit(session, access.actor, "campaigns.dial_preview", subject_id=call_id)
    return DialAccepted(command_id=command.id, call_id=call_id)


@router.post("/agents/me/preview/skip", status_code=204, responses=problem_responses(409))
async def skip_preview(body: SkipBody, asker: OwnAsker, access: AgentAccess, session: DbSession) -> None:
    """Nobody is called."""
    attempt_id = await previews.skip(session, asker.agent, body.reason, now())
    record_audit(session, access.actor, "campaigns.skip_preview", subject_id=attempt_id, reason=body.reason.value)


def _shown(session: AsyncSession, access: Access, offer: Offer | None) -> OfferResponse | None:
    """Each look at a contact is audited."""
    if offer is None:
        return None
    contact_id = str(offer.called.contact_id)
    record_audit(session, access.actor, "campaigns.show_contact", subject_id=offer.attempt_id, contact_id=contact_id)
    return OfferResponse.of(offer)
