"""What the steps of a flow may ask of the rest of the hotline.

Each is a protocol with one implementation in PostgreSQL (``Database...``) and one for simulation
(:mod:`callcenter.ivr.simulation`);
each question ends within the limit of a running call (:mod:`callcenter.ivr.limits`).
"""

from dataclasses import dataclass

from callcenter.ivr.announcements import Announcements
from callcenter.ivr.articles import Articles
from callcenter.ivr.callback_desk import CallbackDesk
from callcenter.ivr.callers import Callers
from callcenter.ivr.campaign_calls import CampaignCalls
from callcenter.ivr.hours import Hours
from callcenter.ivr.last_agents import LastAgents
from callcenter.ivr.queue_guide import QueueGuide


@dataclass(frozen=True, slots=True)
class FlowServices:
    """One set per ivr process."""

    callers: Callers
    hours: Hours
    last_agents: LastAgents
    articles: Articles
    queues: QueueGuide
    callback_desk: CallbackDesk
    announcements: Announcements
    campaign_calls: CampaignCalls
