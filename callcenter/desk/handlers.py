"""Live telephony events as the desks are told of them, above what the queues make of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import service as agents
from callcenter.agents.live_calls import CallState, Direction, LiveCall, live_call_of, new_call, put_live_call
from callcenter.agents.models import Activity, Agent
from callcenter.asterisk.consumer import Handler
from callcenter.asterisk.events import AgentCalled, Event, UserEvent
from callcenter.core.phone_numbers import NumberPlan, masked
from callcenter.desk import dial_queries
from callcenter.desk.offers import publish_offer, read_offers
from callcenter.queues import handlers as queue_handlers

AGENT_LEG = "AgentLeg"
"""Events of the dialplan about telephones that no queue rings (asterisk_conf/extensions_agents.conf.j2)."""
_BACK_TO_TALKING = {"consulted": CallState.CONSULTING, "reached": CallState.RINGING}
"""Who was consulted is gone; who was called has answered."""
_LEGS = {
    "rings": (CallState.RINGING, Activity.RINGING),
    "dials": (CallState.RINGING, Activity.ON_CALL),
    "talks": (CallState.TALKING, Activity.ON_CALL),
}
_DIRECTIONS = {"outbound": Direction.OUTBOUND, "internal": Direction.INTERNAL}


class DeskEvents:
    """Handlers for the engine's consumer, inside :meth:`batch`."""

    def __init__(self, plan: NumberPlan) -> None:
        self._plan = plan
        self.handlers: Mapping[type[Event], Handler] = {
            AgentCalled: self.on_agent_called,
            UserEvent: self.on_user_event,
        }

    @asynccontextmanager
    async def batch(self, events: Sequence[Event], session: AsyncSession) -> AsyncIterator[None]:
        """Around the handlers: what queues read and write at once, and what the offers of these events tell."""
        async with queue_handlers.batch(events, session):
            await read_offers(session, events, self._plan)
            yield

    async def on_agent_called(self, event: AgentCalled, session: AsyncSession) -> None:
        """The agent's telephone rings for a caller of a queue: the desk learns whose."""
        await queue_handlers.on_agent_called(event, session)
        agent = queue_handlers.find_agent(session, event.member_name)
        if agent is not None:
            await publish_offer(session, agent, event)

    async def on_user_event(self, event: UserEvent, session: AsyncSession) -> None:
        agent = queue_handlers.find_agent_at(session, queue_handlers.seat_of_event(event))
        if event.name != AGENT_LEG or agent is None:
            return
        call = live_call_of(agent)
        if event.state in _BACK_TO_TALKING:
            if call is not None and call.call_id == event.linkedid and call.state == _BACK_TO_TALKING[event.state]:
                await put_live_call(session, agent, call.changed(state=CallState.TALKING))
            return
        state, activity = _LEGS.get(event.state, _LEGS["talks"])
        known = call if call is not None and call.leg == event.uniqueid else await _call_of(session, event, agent)
        await agents.record_activity(session, agent, activity, call_id=event.linkedid)
        await put_live_call(session, agent, known.changed(state=state))


async def _call_of(session: AsyncSession, event: UserEvent, agent: Agent) -> LiveCall:
    """Whom the agent will talk with: whose number was dialled, or whom another agent has passed on."""
    direction = _DIRECTIONS.get(event.kind, Direction.INBOUND)
    state = CallState.RINGING
    dial = await dial_queries.find_dial(session, event.linkedid)
    if dial is not None:
        return new_call(
            event.uniqueid, event.linkedid, Direction.OUTBOUND, state, peer_masked=masked(dial.e164), queue=None
        )
    number = await dial_queries.find_caller_number(session, event.linkedid)
    peer = masked(number) if number else None
    return new_call(event.uniqueid, event.linkedid, direction, state, peer_masked=peer)
