"""What a desk is told while the telephone rings for a caller of a queue: the message ``offer``.

In the transaction that turns the agent to ringing. No name and no whole number: the rest is asked for over HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages
from callcenter.agents.live_calls import live_call_of
from callcenter.agents.models import Agent
from callcenter.asterisk.events import AgentCalled, Event, QueueCallerJoin
from callcenter.asterisk.ledger import CelRecord
from callcenter.calls import queries as call_queries
from callcenter.calls.derive import derive_way
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan, masked
from callcenter.patients import service as patients
from callcenter.patients.service import NOBODY, CallerIdentity
from callcenter.queues import queries as queue_queries
from callcenter.queues.handlers import joined_in_batch

OFFER = "offer"
_LONGEST_CALL = timedelta(days=1)
"""Older lines stand in other partitions."""
_IN_INFO = "offers of a batch of events"
"""In ``session.info``."""
_KEYS = frozenset({*"0123456789", "star", "hash"})


@dataclass(frozen=True, slots=True)
class _Facts:
    """Of all calls that begin to ring in a batch of events, read at once: a question costs more than its answer."""

    numbers: Mapping[str, str | None]
    """The caller's, E.164, by channel."""
    callers: Mapping[str, CallerIdentity]
    """By number."""
    ways: Mapping[str, Sequence[CelRecord]]
    """By call."""
    joined: Mapping[str, datetime]
    """By channel, of those who joined their queue before this batch."""


async def read_offers(session: AsyncSession, events: Sequence[Event], plan: NumberPlan) -> None:
    """What :func:`publish_offer` tells of those among the events that ring somewhere; before any of them is handled."""
    called = [event for event in events if isinstance(event, AgentCalled)]
    if not called:
        return
    numbers = {event.uniqueid: plan.normalise(event.caller_number) for event in called}
    earlier = numbers.keys() - {event.uniqueid for event in events if isinstance(event, QueueCallerJoin)}
    session.info[_IN_INFO] = _Facts(
        numbers=numbers,
        callers=await patients.recognise_callers(session, {e164 for e164 in numbers.values() if e164}),
        ways=await call_queries.load_ways(session, {event.linkedid for event in called}, since=now() - _LONGEST_CALL),
        joined=await queue_queries.list_joined(session, earlier) if earlier else {},
    )


async def publish_offer(session: AsyncSession, agent: Agent, event: AgentCalled) -> None:
    """Tell the desk of the call that rings there now; the session holds the agent's row."""
    await messages.tell(session, agent, OFFER, before=None, after=_offer(session, agent, event))


def _offer(session: AsyncSession, agent: Agent, event: AgentCalled) -> Mapping[str, Any]:
    """``steps``: the keys pressed in menus, as far as the ledger has been read; ``patients``: how many the number may
    belong to; ``vip_grade``: a hint until the caller is verified."""
    facts: _Facts = session.info[_IN_INFO]
    call = live_call_of(agent)
    e164 = facts.numbers[event.uniqueid]
    caller = facts.callers[e164] if e164 else NOBODY
    joined_at = joined_in_batch(session, event.uniqueid) or facts.joined.get(event.uniqueid)
    way = derive_way(facts.ways.get(event.linkedid, ()))
    return {
        "call_id": event.linkedid,
        "queue": call.queue if call else None,
        "wait_seconds": max(0, round((now() - joined_at).total_seconds())) if joined_at else 0,
        "caller_masked": masked(e164) if e164 else None,
        "vip_grade": caller.vip_grade,
        "verified": way.verified,
        "patients": len(caller.patients),
        "steps": [
            {"flow": one.flow, "step": one.step, "outcome": one.outcome} for one in way.steps if one.outcome in _KEYS
        ],
    }
