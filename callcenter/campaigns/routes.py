"""HTTP of campaigns: made, changed, started and stopped by schedulers; seen by supervisors and quality too."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.campaigns import contacts, lifecycle, lists
from callcenter.campaigns.governor import Limits
from callcenter.campaigns.models import CampaignState, ContactState
from callcenter.campaigns.respondents import Status
from callcenter.campaigns.schemas import (
    AddedResponse,
    AnswerResponse,
    AttemptResponse,
    CampaignBody,
    CampaignChange,
    CampaignResponse,
    ContactDetailResponse,
    ContactResponse,
    ContactsBody,
    DecisionResponse,
    ProgressResponse,
)
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.cursors import a_uuid, an_instant, sort_key
from callcenter.core.http import DbSession, NumberPlanOf, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.messaging.webhook_targets import Allowed
from callcenter.patients import service as patients

router = APIRouter(tags=["campaigns"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SCHEDULER, Role.SUPERVISOR, Role.QUALITY))]
Scheduler = Annotated[Access, Depends(require(Role.SCHEDULER))]
Sender = Annotated[Access, Depends(require(Role.SCHEDULER, Role.INTEGRATION))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]


@router.get("/campaigns")
async def list_campaigns(
    _access: Reader,
    session: DbSession,
    paging: Paging,
    state: Annotated[CampaignState | None, Query(description="Only those in this state.")] = None,
) -> Page[CampaignResponse]:
    """The newest first."""
    rows = await lists.list_campaigns(
        session, state=state, after=sort_key(paging.after, an_instant, a_uuid), limit=paging.limit
    )
    page, next_cursor = cut_page(rows, paging.limit, lambda one: (one.created_at.isoformat(), str(one.id)))
    return Page(items=[CampaignResponse.model_validate(one) for one in page], next_cursor=next_cursor)


@router.post("/campaigns", status_code=201, responses=problem_responses(404, 422))
async def create_campaign(
    body: CampaignBody, access: Scheduler, session: DbSession, request: Request
) -> CampaignResponse:
    """A draft: nobody is called until it is started."""
    settings: Settings = request.app.state.settings
    _require_target(settings, body)
    values = body.values()
    campaign = await lifecycle.create_campaign(session, access.actor, values, pbx=settings.pbx_name, at=now())
    return CampaignResponse.model_validate(campaign)


@router.get("/campaigns/limits")
async def get_campaign_limits(_access: Reader, session: DbSession) -> Limits:
    """What all campaigns together keep to, for every person."""
    return await lifecycle.get_limits(session)


@router.put("/campaigns/limits", responses=problem_responses(422))
async def put_campaign_limits(body: Limits, access: Admin, session: DbSession) -> Limits:
    """Effective on the next dial."""
    await lifecycle.put_limits(session, access.actor, body)
    return body


@router.get("/campaigns/{campaign_id}", responses=problem_responses(404))
async def get_campaign(campaign_id: UUID, _access: Reader, session: DbSession) -> CampaignResponse:
    """As it stands, with the version that a change must name."""
    return CampaignResponse.model_validate(await lifecycle.get_campaign(session, campaign_id))


@router.put("/campaigns/{campaign_id}", responses=problem_responses(404, 409, 422))
async def change_campaign(
    campaign_id: UUID, body: CampaignChange, access: Scheduler, session: DbSession, request: Request
) -> CampaignResponse:
    """Effective on the next dial; the texts only before the campaign has begun."""
    _require_target(request.app.state.settings, body)
    campaign = await lifecycle.change_campaign(
        session, access.actor, campaign_id, body.values(), version=body.version, at=now()
    )
    return CampaignResponse.model_validate(campaign)


@router.get("/campaigns/{campaign_id}/progress", responses=problem_responses(404))
async def get_campaign_progress(campaign_id: UUID, _access: Reader, session: DbSession) -> ProgressResponse:
    """How far it is, counted now."""
    await lifecycle.get_campaign(session, campaign_id)
    progress = await lists.read_progress(session, campaign_id, now())
    return ProgressResponse.model_validate(progress, from_attributes=True)


@router.post("/campaigns/{campaign_id}/contacts", responses=problem_responses(404, 409, 422))
async def add_campaign_contacts(
    campaign_id: UUID, body: ContactsBody, access: Sender, session: DbSession, plan: NumberPlanOf
) -> AddedResponse:
    """One, or up to 10,000. Who cannot be called is named, the others are put in; the same key again is no harm."""
    given = [one.contact() for one in body.contacts]
    added = await contacts.add_contacts(session, access.actor, campaign_id, given, plan=plan, at=now())
    return AddedResponse.model_validate(added, from_attributes=True)


@router.get("/campaigns/{campaign_id}/contacts", responses=problem_responses(404))
async def list_campaign_contacts(
    campaign_id: UUID,
    access: Reader,
    session: DbSession,
    paging: Paging,
    state: Annotated[ContactState | None, Query(description="Only those in this state.")] = None,
    status: Annotated[Status | None, Query(description="Only respondents who stand so.")] = None,
) -> Page[ContactResponse]:
    """In the order in which they were put in. Audited: they are people."""
    await lifecycle.get_campaign(session, campaign_id)
    rows = await lists.list_contacts(
        session,
        campaign_id,
        state=state,
        status=status,
        after=sort_key(paging.after, a_uuid),
        limit=paging.limit,
    )
    record_audit(session, access.actor, "campaigns.list_contacts", subject_id=str(campaign_id), rows=len(rows))
    page, next_cursor = cut_page(rows, paging.limit, lambda one: (str(one.id),))
    return Page(items=[ContactResponse.model_validate(one) for one in page], next_cursor=next_cursor)


@router.get("/campaigns/{campaign_id}/contacts/{contact_id}", responses=problem_responses(404))
async def get_campaign_contact(
    campaign_id: UUID, contact_id: UUID, access: Reader, session: DbSession
) -> ContactDetailResponse:
    """With every attempt, answer and decision. Audited."""
    contact = await contacts.get_contact(session, campaign_id, contact_id)
    way = await lists.read_way(session, contact)
    record_audit(
        session,
        access.actor,
        "campaigns.read_contact",
        subject_id=str(contact_id),
        patient_id=contact.patient_id,
    )
    return ContactDetailResponse(
        **ContactResponse.model_validate(contact).model_dump(),
        attempts_made=[AttemptResponse.model_validate(one) for one in way.attempts],
        answers=[AnswerResponse.model_validate(one) for one in way.answers],
        decisions=[DecisionResponse.model_validate(one) for one in way.decisions],
    )


@router.delete("/campaigns/{campaign_id}/contacts/{contact_id}", responses=problem_responses(404))
async def withdraw_campaign_contact(
    campaign_id: UUID, contact_id: UUID, access: Sender, session: DbSession
) -> ContactResponse:
    """Nobody calls them for this campaign any more; what was done stays on record."""
    contact = await contacts.withdraw_contact(session, access.actor, campaign_id, contact_id, at=now())
    return ContactResponse.model_validate(contact)


@router.get("/patients/{patient_id}/contact-decisions", responses=problem_responses(404))
async def list_contact_decisions(patient_id: UUID, access: Reader, session: DbSession) -> list[DecisionResponse]:
    """Why the patient was called or not, over all campaigns, the newest first; at most 500. Audited."""
    await patients.require_patient(session, patient_id)
    rows = await lists.list_decisions_of_patient(session, patient_id)
    record_audit(session, access.actor, "campaigns.read_decisions", subject_id=str(patient_id), patient_id=patient_id)
    return [DecisionResponse.model_validate(one) for one in rows]


def _require_target(settings: Settings, body: CampaignBody) -> None:
    """Raises as webhook_targets.Allowed.target_of: whom nobody has allowed is not told."""
    if body.report_to:
        Allowed.of(settings).target_of(body.report_to)
