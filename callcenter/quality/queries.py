"""All SQL of score sheets and scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.models import Call, Recording
from callcenter.calls.recordings import RecordingScope
from callcenter.quality.models import QualityScore, QualityScoreRevision, ScoreSheet


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """All that are given must hold."""

    recording_id: int | None = None
    agent: str | None = None
    queue: str | None = None
    scored_by: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        pairs = (
            (QualityScore.recording_id, self.recording_id),
            (QualityScore.agent_number, self.agent),
            (QualityScore.queue_name, self.queue),
            (QualityScore.scored_by, self.scored_by),
        )
        return [column == value for column, value in pairs if value is not None]


async def list_latest_sheets(session: AsyncSession) -> Sequence[ScoreSheet]:
    """The newest version of each, by name."""
    newest = select(ScoreSheet.name, func.max(ScoreSheet.version)).group_by(ScoreSheet.name)
    query = select(ScoreSheet).where(tuple_(ScoreSheet.name, ScoreSheet.version).in_(newest))
    return (await session.scalars(query.order_by(ScoreSheet.name))).all()


async def find_sheet(session: AsyncSession, name: str, version: int | None) -> ScoreSheet | None:
    """``version`` None: the newest."""
    query = select(ScoreSheet).where(ScoreSheet.name == name).order_by(ScoreSheet.version.desc()).limit(1)
    return await session.scalar(query if version is None else query.where(ScoreSheet.version == version))


async def lock_sheets(session: AsyncSession) -> None:
    """Two new versions follow one another."""
    await session.execute(select(func.pg_advisory_xact_lock(7263015)))


async def find_score(
    session: AsyncSession, score_id: int, scope: RecordingScope, *, lock: bool = False
) -> QualityScore | None:
    """Of a recording within ``scope``."""
    query = _within(scope).where(QualityScore.id == score_id)
    if lock:
        query = query.with_for_update(of=QualityScore)
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def list_scores(
    session: AsyncSession, wanted: ScoreFilter, scope: RecordingScope, *, after: tuple[datetime, int] | None, limit: int
) -> Sequence[QualityScore]:
    """At most ``limit + 1``, newest first, behind the one whose (scored_at, id) is ``after``."""
    query = _within(scope).where(*wanted.conditions())
    if after is not None:
        query = query.where(tuple_(QualityScore.scored_at, QualityScore.id) < after)
    query = query.order_by(QualityScore.scored_at.desc(), QualityScore.id.desc()).limit(limit + 1)
    return (await session.scalars(query)).all()


async def list_revisions(session: AsyncSession, score_id: int) -> Sequence[QualityScoreRevision]:
    """Oldest first."""
    query = select(QualityScoreRevision).where(QualityScoreRevision.score_id == score_id)
    return (await session.scalars(query.order_by(QualityScoreRevision.revision))).all()


def _within(scope: RecordingScope) -> Select[QualityScore]:
    return (
        select(QualityScore)
        .join(Recording, Recording.id == QualityScore.recording_id)
        .join(Call, Call.id == Recording.call_id)
        .where(*scope.conditions())
    )
