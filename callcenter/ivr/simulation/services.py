"""The hotline's answers to a flow in a simulation."""

from callcenter.calendar.policy import State
from callcenter.ivr.services import FlowServices
from callcenter.ivr.simulation.announcements import SimulatedAnnouncements
from callcenter.ivr.simulation.articles import SimulatedArticles
from callcenter.ivr.simulation.callback_desk import SimulatedCallbackDesk
from callcenter.ivr.simulation.callers import CallerKind, SimulatedCallers
from callcenter.ivr.simulation.campaign_calls import SimulatedCampaignCalls
from callcenter.ivr.simulation.hours import SimulatedHours
from callcenter.ivr.simulation.last_agents import SimulatedLastAgents
from callcenter.ivr.simulation.queue_guide import SimulatedQueueGuide


def simulated_services(caller: CallerKind = "unknown", opening: State = "open") -> FlowServices:
    """All that steps may ask, without a database; ``opening``: of every schedule.

    Tests exchange a part with ``dataclasses.replace``.
    """
    return FlowServices(
        callers=SimulatedCallers(caller),
        hours=SimulatedHours(opening),
        last_agents=SimulatedLastAgents(caller),
        articles=SimulatedArticles(away=caller == "away"),
        queues=SimulatedQueueGuide(),
        callback_desk=SimulatedCallbackDesk(away=caller == "away"),
        announcements=SimulatedAnnouncements(),
        campaign_calls=SimulatedCampaignCalls(),
    )
