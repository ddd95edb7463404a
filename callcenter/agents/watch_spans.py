"""When an engine watched its PBX: what agents did at other times is not known, and told as ``unobserved``.

The engine says every few seconds that it still sees every event (:class:`Watch`); each time lengthens the last span.
What lies between two spans nobody watched: no engine ran, it had no AMI session, events were lost, or it hung.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CursorResult, Identity, Index, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.agents.durations import Period
from callcenter.core.db import Base

BEAT_SECONDS = 2.0
LONGEST_SILENCE = timedelta(seconds=10)
"""Who says nothing for longer has hung: what came meanwhile was noted late."""


class EngineWatchSpan(Base):
    """From ``started_at`` to ``ended_at`` the engine of this PBX had every event."""

    __tablename__ = "engine_watch_spans"
    __table_args__ = (Index("ix_engine_watch_spans_pbx_ended_at", "pbx", "ended_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pbx: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class Watch:
    """The engine's word that it sees what happens at its PBX."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._span_id: int | None = None
        self._losses = 0

    @property
    def losses(self) -> int:
        """How often :meth:`lose` was called: what was asked before the last time proves nothing after it."""
        return self._losses

    def lose(self) -> None:
        """Events are missed from now on, until the next :meth:`note`."""
        self._losses += 1
        self._span_id = None

    async def note(self, session: AsyncSession, at: datetime) -> None:
        """Every event up to ``at`` has arrived. Begins a new span after a loss, a long silence or a clock set back."""
        if self._span_id is not None and await self._lengthen(session, self._span_id, at):
            return
        row = {"pbx": self._pbx, "started_at": at, "ended_at": at}
        self._span_id = await session.scalar(insert(EngineWatchSpan).values(row).returning(EngineWatchSpan.id))

    @staticmethod
    async def _lengthen(session: AsyncSession, span_id: int, at: datetime) -> bool:
        done = await session.execute(
            update(EngineWatchSpan)
            .where(EngineWatchSpan.id == span_id, EngineWatchSpan.ended_at.between(at - LONGEST_SILENCE, at))
            .values(ended_at=at)
        )
        return isinstance(done, CursorResult) and done.rowcount == 1


async def list_watched(
    session: AsyncSession, pbx: str, start: datetime, end: datetime, *, at: datetime
) -> list[Period]:
    """When this PBX was watched from ``start`` until before ``end``, in order, none touching another.

    What is older than the first word of an engine counts as watched: nobody recorded then that nobody did. So does
    the time since the last word, while that is no longer ago than a silence may be. ``at``: the present.
    """
    of_pbx = EngineWatchSpan.pbx == pbx
    first, last = (
        await session.execute(
            select(func.min(EngineWatchSpan.started_at), func.max(EngineWatchSpan.ended_at)).where(of_pbx)
        )
    ).one()
    if first is None:
        return [Period(start, end)]
    rows = await session.execute(
        select(EngineWatchSpan.started_at, EngineWatchSpan.ended_at).where(
            of_pbx, EngineWatchSpan.ended_at >= start, EngineWatchSpan.started_at < end
        )
    )
    known = [Period(*row) for row in rows]
    if start < first:
        known.append(Period(start, first))
    if last <= at <= last + LONGEST_SILENCE:
        known.append(Period(last, at))
    return merge(known, start, end)


def merge(periods: Iterable[Period], start: datetime, end: datetime) -> list[Period]:
    """What lies in any of ``periods`` from ``start`` until before ``end``."""
    merged: list[Period] = []
    for period in sorted(periods, key=lambda one: one.start):
        one = Period(max(period.start, start), min(period.end, end))
        if one.start >= one.end:
            continue
        if merged and one.start <= merged[-1].end:
            merged[-1] = Period(merged[-1].start, max(merged[-1].end, one.end))
        else:
            merged.append(one)
    return merged
