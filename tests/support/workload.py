"""Agents' days written by hand: what they did, and what the ledger says of their calls."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Activity, Agent, AgentStateChange, Cause, Wanted
from callcenter.agents.watch_spans import EngineWatchSpan
from callcenter.calls.models import Leg, QueueVisit
from tests.support.people import PBX

ZONE = ZoneInfo("Asia/Shanghai")
DAY = "2026-01-05"


def at(clock: str, day: str = DAY) -> datetime:
    """``8:00`` or ``8:00:30.5`` on the hospital's clock, in UTC."""
    hours, *rest = clock.split(":")
    text = ":".join([hours.zfill(2), *rest])
    return datetime.fromisoformat(f"{day} {text}").replace(tzinfo=ZONE).astimezone(UTC)


async def given_history(session: AsyncSession, agent: Agent, text: str, *, day: str = DAY) -> None:
    """Lines ``9:00:00 available idle [call]``; ``paused:lunch`` for a reason. In this order, whatever their times."""
    before = AgentStateChange(wanted=Wanted.LOGGED_OUT, activity=Activity.IDLE)
    for line in text.strip().splitlines():
        clock, wanted, activity, *call = line.split()
        wanted, _, reason = wanted.partition(":")
        agent.sequence += 1
        change = AgentStateChange(
            agent_id=agent.id,
            sequence=agent.sequence,
            at=at(clock, day),
            cause=Cause.AGENT,
            actor_name="test",
            wanted_before=before.wanted,
            wanted=Wanted(wanted).value,
            pause_reason=reason or None,
            activity_before=before.activity,
            activity=Activity(activity).value,
            call_id=call[0] if call else None,
        )
        session.add(change)
        before = change
    await session.flush()


async def given_leg(
    session: AsyncSession,
    number: str,
    call_id: str,
    started: str,
    *,
    queue: str | None = "consultation",
    offer: str | None = "answered",
    held: Sequence[tuple[str, str]] = (),
    transferred: str | None = None,
) -> None:
    session.add(
        Leg(
            uniqueid=f"{call_id}-{number}-{started}",
            call_id=call_id,
            channel="PJSIP/seat-rose-00000001",
            role="agent",
            seat_name="seat-rose",
            agent_number=number,
            started_at=at(started),
            queue_name=queue,
            offer=offer,
            held=[Range(at(start), at(end)) for start, end in held] or None,
            transferred_at=at(transferred) if transferred else None,
        )
    )
    await session.flush()


async def given_rated_visit(
    session: AsyncSession, number: str, call_id: str, *, entered: str, answered: str, rating: int
) -> None:
    session.add(
        QueueVisit(
            call_id=call_id,
            uniqueid=call_id,
            number=1,
            queue_name="consultation",
            priority=0,
            outcome="answered",
            entered_at=at(entered),
            answered_at=at(answered),
            left_at=at(answered),
            wait_seconds=1.0,
            agent_number=number,
            rating=rating,
        )
    )
    await session.flush()


async def given_watched(session: AsyncSession, *spans: tuple[str, str]) -> None:
    session.add_all(EngineWatchSpan(pbx=PBX, started_at=at(start), ended_at=at(end)) for start, end in spans)
    await session.flush()
