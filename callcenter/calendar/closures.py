"""Emergency closures: one call closes, with what callers hear; another opens again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calendar import queries
from callcenter.calendar.errors import ClosureAlreadyOpen, ClosureEndsTooSoon, ClosureNotFound
from callcenter.calendar.models import Closure
from callcenter.calendar.service import require_schedule
from callcenter.core.audit import Actor, record_audit
from callcenter.core.ids import new_id
from callcenter.speech import service as speech


def announcement_slot(closure_id: UUID) -> str:
    """The slot of the spoken text that callers hear during this closure."""
    return f"closure:{closure_id}"


async def start_closure(
    session: AsyncSession,
    actor: Actor,
    *,
    schedule_name: str | None,
    announcement_zh: str,
    announcement_en: str,
    until_at: datetime | None,
    at: datetime,
) -> Closure:
    """Close one schedule, or all (None), from ``at`` on, until ``until_at`` or until it is ended.

    Raises UnknownSchedule, ClosureEndsTooSoon, ClosureAlreadyOpen (at most one of each schedule and one of all),
    InvalidSpokenText.
    """
    if schedule_name is not None:
        await require_schedule(session, schedule_name)
    if until_at is not None and until_at <= at:
        raise ClosureEndsTooSoon
    await settle_closures(session, at)
    closure_id = new_id()
    values = {
        "id": closure_id,
        "schedule_name": schedule_name,
        "announcement_zh": announcement_zh,
        "announcement_en": announcement_en,
        "started_at": at,
        "started_by": actor.name,
        "until_at": until_at,
    }
    if not await queries.add_closure(session, values):
        there = await queries.find_open_closure(session, schedule_name)
        raise ClosureAlreadyOpen(closure_id=str(there.id) if there else None)
    await speech.put_text(session, announcement_slot(closure_id), {"zh": announcement_zh, "en": announcement_en})
    until = until_at.isoformat() if until_at else None
    record_audit(
        session, actor, "calendar.start_closure", subject_id=str(closure_id), schedule=schedule_name, until_at=until
    )
    return await get_closure(session, closure_id)


async def end_closure(session: AsyncSession, actor: Actor, closure_id: UUID, *, at: datetime) -> Closure:
    """Open again. One that is over already stays as it is. Raises ClosureNotFound."""
    await settle_closures(session, at)
    if await queries.end_closure(session, closure_id, ended_at=at, ended_by=actor.name):
        await speech.remove_texts(session, [announcement_slot(closure_id)])
        record_audit(session, actor, "calendar.end_closure", subject_id=str(closure_id))
    return await get_closure(session, closure_id)


async def get_closure(session: AsyncSession, closure_id: UUID) -> Closure:
    """Raises ClosureNotFound."""
    closure = await queries.find_closure(session, closure_id)
    if closure is None:
        raise ClosureNotFound
    return closure


async def settle_closures(session: AsyncSession, at: datetime) -> None:
    """Periodic: note the end of closures that ended by themselves; their announcements are not needed any more."""
    over = await queries.settle_closures(session, at)
    await speech.remove_texts(session, [announcement_slot(closure_id) for closure_id in over])
