"""An agent's own figures of today, in the hospital's day: calls from the ledger, states from the agent's history.

offered = answered + missed + withdrawn + open; the durations of the states sum up to the time logged in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.durations import Durations
from callcenter.agents.models import Agent
from callcenter.agents.state_history import get_durations

_LONGEST_CALL = timedelta(days=1)
"""What began earlier is not looked for: legs lie in partitions by their beginning."""

# a leg that ended with its PBX ends with its call; one that goes on lasts until now
_CALLS = text("""
    WITH own AS (
        SELECT leg.call_id, leg.offer, leg.started_at,
               CASE WHEN leg.answered_at IS NOT NULL THEN greatest(leg.answered_at, :start) END AS talked_from,
               least(coalesce(leg.ended_at, call.ended_at, :end), :end) AS talked_to,
               leg.held * tstzmultirange(tstzrange(:start, :end)) AS held
        FROM legs_by_month AS leg JOIN calls_by_month AS call ON call.id = leg.call_id
        WHERE leg.agent_number = :agent AND leg.started_at >= :earliest AND leg.started_at < :end),
    talks AS (
        SELECT sum(talked_to - talked_from) AS connected,
               sum((SELECT sum(upper(one) - lower(one)) FROM unnest(held) AS one)) AS held
        FROM own WHERE talked_from < talked_to),
    marks AS (
        SELECT count(rating) AS rated, coalesce(sum(rating), 0) AS rating_sum FROM queue_visits_by_month
        WHERE agent_number = :agent AND entered_at >= :start AND entered_at < :end
        AND call_id IN (SELECT call_id FROM own))
    SELECT count(*) FILTER (WHERE offer IS NOT NULL) AS offered,
           count(*) FILTER (WHERE offer = 'answered') AS answered,
           count(*) FILTER (WHERE offer = 'missed') AS missed,
           count(*) FILTER (WHERE offer = 'withdrawn') AS withdrawn,
           count(*) FILTER (WHERE offer = 'open') AS open,
           count(*) FILTER (WHERE offer IS NULL) AS others,
           (SELECT connected FROM talks) AS connected, (SELECT held FROM talks) AS held,
           (SELECT rated FROM marks) AS rated, (SELECT rating_sum FROM marks) AS rating_sum
    FROM own WHERE started_at >= :start
""")


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """From ``start`` until ``end``. ``others``: calls that no queue gave (made by the agent, or passed on to them).
    ``talk``: connected without ``hold``, in all calls.
    """

    start: datetime
    end: datetime
    offered: int
    answered: int
    missed: int
    withdrawn: int
    open: int
    others: int
    talk: timedelta
    hold: timedelta
    rated: int
    rating_sum: int
    states: Durations

    @property
    def average_rating(self) -> float | None:
        return self.rating_sum / self.rated if self.rated else None

    @property
    def paused(self) -> Mapping[str | None, timedelta]:
        return self.states.paused


def start_of_day(at: datetime, zone: ZoneInfo) -> datetime:
    """The hospital's midnight before ``at``."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone)


async def get_own_figures(session: AsyncSession, agent: Agent, at: datetime, *, zone: ZoneInfo, pbx: str) -> OwnFigures:
    """Of the day so far."""
    start = start_of_day(at, zone)
    row = (
        await session.execute(
            _CALLS, {"agent": agent.number, "start": start, "end": at, "earliest": start - _LONGEST_CALL}
        )
    ).one()
    hold = row.held or timedelta()
    return OwnFigures(
        start=start,
        end=at,
        offered=row.offered,
        answered=row.answered,
        missed=row.missed,
        withdrawn=row.withdrawn,
        open=row.open,
        others=row.others,
        talk=(row.connected or timedelta()) - hold,
        hold=hold,
        rated=row.rated,
        rating_sum=row.rating_sum,
        states=await get_durations(session, agent.id, start, at, pbx=pbx),
    )
