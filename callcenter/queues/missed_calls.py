"""An agent who lets call after call ring out is not there: callers must not pay for it."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import queries as agent_queries
from callcenter.agents.models import Agent, Cause, Wanted
from callcenter.core.alarms import raise_alarm
from callcenter.queues import queries, service

REASON = "missed_calls"
"""The pause reason that only this rule gives."""
ALARM = "agent_missed_calls"
ACTOR = "missed-calls"


async def on_missed_call(session: AsyncSession, agent: Agent, *, pbx: str) -> None:
    """One more offer that was not taken; the last of so many in a row pauses the agent, and supervisors are told.

    How many: the least that one of the agent's queues allows (``max_missed_calls``). ``agent``: locked.
    """
    agent.missed_calls += 1
    limit = await queries.find_missed_calls_limit(session, agent.id)
    if limit is None or agent.missed_calls < limit or agent.wanted != Wanted.AVAILABLE:
        return
    await agent_queries.put_system_reason(session, REASON, label_zh="多次未接", label_en="Missed calls")
    await service.pause(session, agent, REASON, pbx=pbx, cause=Cause.SYSTEM, actor_name=ACTOR)
    await raise_alarm(session, ALARM, key=agent.number, agent=agent.number, missed=agent.missed_calls)
