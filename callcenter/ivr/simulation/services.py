"""The hotline's answers to a flow in a simulation."""

from callcenter.ivr.services import FlowServices
from callcenter.ivr.simulation.articles import SimulatedArticles
from callcenter.ivr.simulation.callers import CallerKind, SimulatedCallers
from callcenter.ivr.simulation.last_agents import SimulatedLastAgents


def simulated_services(caller: CallerKind = "unknown") -> FlowServices:
    """All that steps may ask, without a database. Tests exchange a part with ``dataclasses.replace``."""
    return FlowServices(
        callers=SimulatedCallers(caller),
        last_agents=SimulatedLastAgents(caller),
        articles=SimulatedArticles(away=caller == "away"),
    )
