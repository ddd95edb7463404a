"""Scoring recordings: who may, what it comes to, and that the agent sees it and may answer once.

An agent sees no score of a recording that this agent may not hear (a complaint).
"""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages
from callcenter.agents import service as agents
from callcenter.agents.errors import AgentNotFound
from callcenter.calls.recordings import RecordedCall, RecordingScope, find_recording, get_recording
from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now
from callcenter.quality import queries
from callcenter.quality.errors import (
    AlreadyReplied,
    AlreadyScored,
    NothingToScore,
    NotTheScorer,
    OwnRecording,
    ScoreNotFound,
    SheetNotFound,
)
from callcenter.quality.models import QualityScore, QualityScoreRevision, ScoreSheet
from callcenter.quality.sheets import Answer, Sheet, total_of

SCORE = "score"
"""Type of the message by which an agent's desk hears of a score."""
FIRST_REASON = "scored"


async def put_sheet(session: AsyncSession, actor: Actor, name: str, sheet: Sheet) -> ScoreSheet:
    """The next version of a sheet; the newest again if it says the same."""
    await queries.lock_sheets(session)
    newest = await queries.find_sheet(session, name, None)
    content = sheet.model_dump(mode="json")
    if newest is not None and newest.content == content:
        return newest
    version = newest.version + 1 if newest else 1
    row = ScoreSheet(name=name, version=version, content=content, created_at=now(), created_by=actor.name)
    session.add(row)
    record_audit(session, actor, "quality.put_sheet", subject_id=name, version=version)
    await session.flush()
    return row


async def get_sheet(session: AsyncSession, name: str, version: int | None) -> ScoreSheet:
    """``version`` None: the newest. Raises SheetNotFound."""
    sheet = await queries.find_sheet(session, name, version)
    if sheet is None:
        raise SheetNotFound(sheet=name, version=version)
    return sheet


async def give_score(
    session: AsyncSession,
    actor: Actor,
    scope: RecordingScope,
    recording_id: int,
    *,
    sheet_name: str,
    answers: Mapping[str, Answer],
    comment: str,
) -> QualityScore:
    """Score a recording by the newest version of a sheet; the agent is told.

    Raises RecordingNotFound (also outside ``scope``), NothingToScore, OwnRecording, SheetNotFound, AnswersDoNotFit,
    AlreadyScored.
    """
    found = await get_recording(session, recording_id, scope)
    agent_number = found.recording.agent_number or (found.call.agent_number if _has_agent(found) else None)
    if agent_number is None:
        raise NothingToScore(recording_id=recording_id)
    if agent_number == scope.agent_number:
        raise OwnRecording(recording_id=recording_id)
    sheet = await get_sheet(session, sheet_name, None)
    total = total_of(Sheet.model_validate(sheet.content), answers)
    score = QualityScore(
        recording_id=recording_id,
        agent_number=agent_number,
        queue_name=found.recording.queue_name or found.call.queue_name,
        sheet_name=sheet.name,
        sheet_version=sheet.version,
        scored_by=actor.name,
        scored_at=now(),
        revision=1,
        answers=dict(answers),
        comment=comment,
        total=total.total,
        is_fatal=total.is_fatal,
    )
    try:
        async with session.begin_nested():
            session.add(score)
    except IntegrityError as error:
        raise AlreadyScored(recording_id=recording_id) from error
    session.add(_revision(score, FIRST_REASON))
    _audit(session, actor, "quality.score", score, found)
    await _tell(session, score, before=None)
    return score


async def revise_score(
    session: AsyncSession,
    actor: Actor,
    scope: RecordingScope,
    score_id: int,
    *,
    answers: Mapping[str, Answer],
    comment: str,
    reason: str,
) -> QualityScore:
    """Who gave it changes it, by the same version of the sheet; how it stood stays.

    Raises ScoreNotFound, NotTheScorer, AnswersDoNotFit.
    """
    score = await get_score(session, score_id, scope, lock=True)
    if score.scored_by != actor.name:
        raise NotTheScorer(score_id=score_id)
    sheet = await get_sheet(session, score.sheet_name, score.sheet_version)
    total = total_of(Sheet.model_validate(sheet.content), answers)
    before = _told(score)
    score.answers, score.comment = dict(answers), comment
    score.total, score.is_fatal = total.total, total.is_fatal
    score.revision += 1
    score.scored_at = now()
    session.add(_revision(score, reason))
    _audit(session, actor, "quality.revise", score, await get_recording(session, score.recording_id, scope))
    await _tell(session, score, before=before)
    return score


async def reply(session: AsyncSession, actor: Actor, own: RecordingScope, score_id: int, text: str) -> QualityScore:
    """The agent answers, once. Raises ScoreNotFound (also of another's), AlreadyReplied."""
    score = await get_score(session, score_id, own, lock=True)
    if score.agent_number != own.agent_number:
        raise ScoreNotFound(score_id=score_id)
    if score.replied_at is not None:
        raise AlreadyReplied(score_id=score_id)
    score.reply, score.replied_at = text, now()
    _audit(session, actor, "quality.reply", score, await get_recording(session, score.recording_id, own))
    return score


async def get_score(session: AsyncSession, score_id: int, scope: RecordingScope, *, lock: bool = False) -> QualityScore:
    """Raises ScoreNotFound, also outside ``scope``."""
    score = await queries.find_score(session, score_id, scope, lock=lock)
    if score is None:
        raise ScoreNotFound(score_id=score_id)
    return score


def _has_agent(found: RecordedCall) -> bool:
    return found.recording.purpose in ("conversation", "complaint")


def _revision(score: QualityScore, reason: str) -> QualityScoreRevision:
    return QualityScoreRevision(
        score_id=score.id,
        revision=score.revision,
        at=score.scored_at,
        reason=reason,
        answers=score.answers,
        comment=score.comment,
        total=score.total,
        is_fatal=score.is_fatal,
    )


def _told(score: QualityScore) -> dict[str, object]:
    return {
        "score_id": score.id,
        "recording_id": score.recording_id,
        "sheet": score.sheet_name,
        "revision": score.revision,
        "total": score.total,
        "is_fatal": score.is_fatal,
    }


async def _tell(session: AsyncSession, score: QualityScore, *, before: Mapping[str, object] | None) -> None:
    own = RecordingScope(agent_number=score.agent_number)
    if await find_recording(session, score.recording_id, own) is None:
        return
    try:
        agent = await agents.get_agent(session, score.agent_number)
    except AgentNotFound:
        return  # has left the house
    await messages.publish(session, agent, SCORE, before=before, after=_told(score))


def _audit(session: AsyncSession, actor: Actor, action: str, score: QualityScore, found: RecordedCall) -> None:
    record_audit(
        session,
        actor,
        action,
        subject_id=str(score.id),
        patient_id=found.call.patient_id,
        recording_id=score.recording_id,
        agent=score.agent_number,
        revision=score.revision,
    )
