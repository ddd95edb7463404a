"""What a desk is told while the telephone rings for a caller of a queue: the message ``offer``.

In the transaction that turns the agent to ringing. No name and no whole number: the rest is asked for over HTTP.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages
from callcenter.agents.live_calls import live_call_of
from callcenter.agents.models import Agent
from callcenter.asterisk.events import AgentCalled
from callcenter.calls import queries as call_queries
from callcenter.calls.derive import derive_call
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan, masked
from callcenter.patients import service as patients
from callcenter.queues import queries as queue_queries
from callcenter.queues.handlers import joined_in_batch

OFFER = "offer"
_KEYS = frozenset({*"0123456789", "star", "hash"})


async def publish_offer(session: AsyncSession, agent: Agent, event: AgentCalled, plan: NumberPlan) -> None:
    """Tell the desk of the call that rings there now."""
    await messages.publish(session, agent, OFFER, before=None, after=await _offer(session, agent, event, plan))


async def _offer(session: AsyncSession, agent: Agent, event: AgentCalled, plan: NumberPlan) -> Mapping[str, Any]:
    """``steps``: the keys pressed in menus, as far as the ledger has been read; ``patients``: how many the number may
    belong to; ``vip_grade``: a hint until the caller is verified."""
    call = live_call_of(agent)
    e164 = plan.normalise(event.caller_number)
    caller = await patients.recognise_caller(session, e164)
    joined_at = joined_in_batch(session, event.uniqueid)
    if joined_at is None and (waiting := await queue_queries.find_waiting(session, [event.uniqueid])) is not None:
        joined_at = waiting.joined_at
    lines = (await call_queries.load_events(session, [event.linkedid])).get(event.linkedid, [])
    told = derive_call(event.linkedid, lines)
    return {
        "call_id": event.linkedid,
        "queue": call.queue if call else None,
        "wait_seconds": max(0, round((now() - joined_at).total_seconds())) if joined_at else 0,
        "caller_masked": masked(e164) if e164 else None,
        "vip_grade": caller.vip_grade,
        "verified": told is not None and told.verified,
        "patients": len(caller.patients),
        "steps": [
            {"flow": one.flow, "step": one.step, "outcome": one.outcome}
            for one in (told.steps if told else ())
            if one.outcome in _KEYS
        ],
    }
