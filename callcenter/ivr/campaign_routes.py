"""HTTP of what a campaign can be made of: here, since flows stand above campaigns."""

import asyncio
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.campaigns import lifecycle
from callcenter.campaigns.errors import InvalidCampaign
from callcenter.campaigns.models import Campaign, CampaignState, Channel
from callcenter.campaigns.rules import Pacing, RetryRules, Texts, Windows
from callcenter.campaigns.schemas import CampaignResponse, StateBody
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.http import DbSession
from callcenter.core.problems import problem_responses
from callcenter.ivr.catalogue import read_flow_files, settle
from callcenter.ivr.checks import Known
from callcenter.ivr.flow import Flow, reached_flows
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.runner import MACHINE_FLOW
from callcenter.ivr.steps.question import Question
from callcenter.ivr.steps.tell import Tell
from callcenter.messaging.mail import MailServer
from callcenter.messaging.sms import HttpSmsGateway
from callcenter.queues import queries as queues

router = APIRouter(tags=["campaigns"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SCHEDULER, Role.SUPERVISOR, Role.QUALITY))]
Scheduler = Annotated[Access, Depends(require(Role.SCHEDULER))]


class CampaignFlowResponse(BaseModel):
    name: str
    texts: list[str] = Field(description="What the campaign has to say in it, in order.")
    questions: list[str] = Field(description="Those of the texts that are answered by a key.")


class LabelledResponse(BaseModel):
    name: str
    label_zh: str
    label_en: str


class CampaignChoicesResponse(BaseModel):
    """``windows``, ``pacing``, ``retry``: what a campaign has that says nothing of its own."""

    flows: list[CampaignFlowResponse]
    caller_ids: list[LabelledResponse] = Field(description="Our numbers.")
    queues: list[LabelledResponse] = Field(description="Of agents, for campaigns that put people through.")
    windows: Windows
    pacing: Pacing
    retry: RetryRules


@router.get("/campaigns/choices")
async def get_campaign_choices(_access: Reader, session: DbSession, request: Request) -> CampaignChoicesResponse:
    """The flows that say what a campaign has to say, our numbers, the queues, and the rules one begins with."""
    settings: Settings = request.app.state.settings
    flows = await asyncio.to_thread(_read_flows, settings)
    return CampaignChoicesResponse(
        flows=[one for name in sorted(flows.keys() - {MACHINE_FLOW}) if (one := _flow(flows, name)).texts],
        caller_ids=[
            LabelledResponse(name=did.number, label_zh=did.label_zh, label_en=did.label_en)
            for did in await queues.list_dids(session)
        ],
        queues=[
            LabelledResponse(name=queue.name, label_zh=queue.label_zh, label_en=queue.label_en)
            for queue in await queues.list_queues(session)
        ],
        windows=Windows(),
        pacing=Pacing(),
        retry=RetryRules(),
    )


@router.put("/campaigns/{campaign_id}/state", responses=problem_responses(404, 409, 422))
async def set_campaign_state(
    campaign_id: UUID, body: StateBody, access: Scheduler, session: DbSession, request: Request
) -> CampaignResponse:
    """Start, pause, go on, finish or cancel it. Running calls end by themselves.

    One whose flow is not there, that has nothing to say in it, or has no server to write by, is not started.
    """
    campaign = await lifecycle.set_state(session, access.actor, campaign_id, body.state, now())
    if body.state is CampaignState.RUNNING:
        settings: Settings = request.app.state.settings
        _require_servers(campaign, settings)
        _require_words(campaign, await asyncio.to_thread(_read_flows, settings))
    return CampaignResponse.model_validate(campaign)


def _require_servers(campaign: Campaign, settings: Settings) -> None:
    """Raises InvalidCampaign: what is written would lie for its day, and count as not delivered."""
    if Channel.EMAIL in campaign.channels and MailServer.of(settings) is None:
        raise InvalidCampaign("No mail server is set.", reason="email")
    if Channel.SMS in campaign.channels and HttpSmsGateway.of(settings) is None:
        raise InvalidCampaign("No SMS gateway is set.", reason="sms")


def _require_words(campaign: Campaign, flows: Mapping[str, Flow]) -> None:
    """Raises InvalidCampaign: whoever answers would hear an apology and nothing else."""
    if Channel.TELEPHONE not in campaign.channels or Pacing.model_validate(campaign.pacing).mode != "automatic":
        return  # nobody hears a flow
    if campaign.flow not in flows:
        raise InvalidCampaign("There is no such flow.", reason="flow")
    missing = sorted(set(_flow(flows, campaign.flow).texts) - Texts.model_validate(campaign.texts).spoken.keys())
    if missing:
        raise InvalidCampaign("The flow says what the campaign has no text for.", reason="texts", missing=missing)


def _read_flows(settings: Settings) -> Mapping[str, Flow]:
    """Those that could be used now; of a broken one the ivr role tells, and an alarm."""
    files, _problems = read_flow_files(settings.flows_dir)
    prompts = load_prompts(settings.prompts_dir)
    found, _used, _refused = settle(files, {}, Known(prompts.prompts.keys(), None))
    return found.flows


def _flow(flows: Mapping[str, Flow], name: str) -> CampaignFlowResponse:
    """With what is said in the flows that it goes to."""
    reached = [name, *sorted(reached_flows(flows, name) - {name})]
    steps = [step for one in reached for step in flows[one].steps.values()]
    said = [
        step.tell if isinstance(step, Tell) else step.question for step in steps if isinstance(step, Tell | Question)
    ]
    asked = [step.question for step in steps if isinstance(step, Question)]
    return CampaignFlowResponse(name=name, texts=list(dict.fromkeys(said)), questions=list(dict.fromkeys(asked)))
