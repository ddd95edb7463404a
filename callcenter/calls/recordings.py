"""Recordings: who may hear which, what the engine finds in their files, when they go."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.asterisk import variables
from callcenter.calls.errors import RecordingFileMissing, RecordingNotFound, RecordingsUnavailable
from callcenter.calls.models import Call, Leg, QueueVisit, Recording
from callcenter.calls.queries import COMPLAINT
from callcenter.calls.recording_files import WavFacts, locate, measure
from callcenter.calls.recording_models import RecordingHold, StoredRecording
from callcenter.calls.recording_store import stored_path
from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import SYSTEM, record_audit
from callcenter.queues.recording_policies import RecordingPolicy

CONVERSATION = variables.CONVERSATION
log = structlog.get_logger(__name__)

MESSAGE = "message"
"""Purpose of a recording that is somebody's work."""
HEARD_FROM_SECONDS = 1.5
SOUND_FROM_SECONDS = 0.5
"""A message with less holds nothing: after five seconds of silence Asterisk leaves one second of it in the file."""

_SETTLES = timedelta(seconds=2)
"""After a call's end Asterisk may still be writing."""
_COMES = timedelta(minutes=1)
"""A file that is not there so long after the call will not come."""
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """All that are given must hold. ``started_to`` is excluded; ``queue``: its message, or its call entered it;
    ``agent``: talked in the call."""

    started_from: datetime | None = None
    started_to: datetime | None = None
    purpose: str | None = None
    queue: str | None = None
    agent: str | None = None
    call_id: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.started_from is not None:
            found.append(Recording.started_at >= self.started_from)
        if self.started_to is not None:
            found.append(Recording.started_at < self.started_to)
        if self.purpose is not None:
            found.append(Recording.purpose == self.purpose)
        if self.queue is not None:
            found.append(_of_queues([self.queue]))
        if self.agent is not None:
            found.append(_talked(self.agent))
        if self.call_id is not None:
            found.append(Recording.call_id == self.call_id)
        return found


@dataclass(frozen=True, slots=True)
class RecordingScope:
    """Which recordings an asker may hear: all; those of the ``steered`` queues; messages of ``own_queues``;
    conversations that ``agent_number`` had.

    Never those of a call in which somebody complained of ``agent_number``, the asker's own, nor of one with a complaint
    in which this agent talked.
    """

    everything: bool = False
    steered: frozenset[str] = frozenset()
    own_queues: frozenset[str] = frozenset()
    agent_number: str | None = None
    hears_own: bool = True

    def for_download(self) -> "RecordingScope":
        """What may be taken away: an agent's own may only be played."""
        return replace(self, own_queues=frozenset(), hears_own=False)

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if not self.everything:
            allowed: list[ColumnElement[bool]] = [false()]
            if self.steered:
                allowed.append(_of_queues(sorted(self.steered)))
            if self.own_queues:
                allowed.append(and_(Recording.purpose == MESSAGE, Recording.queue_name.in_(self.own_queues)))
            if self.hears_own and self.agent_number is not None:
                own = Recording.agent_number == self.agent_number
                allowed.append(and_(Recording.purpose == CONVERSATION, own))
            found.append(or_(*allowed))
        if self.agent_number is not None:
            found.append(Call.about_agent_number.is_distinct_from(self.agent_number))
            found.append(~and_(_with_complaint(), _talked(self.agent_number)))
        return found


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A recording with its call, what is stored of it, and whether it is held."""

    recording: Recording
    call: Call
    stored: StoredRecording | None
    is_held: bool


@dataclass(frozen=True, slots=True)
class MeasuredRecording:
    """What was found in a recording's file; None: there is none."""

    file: str
    purpose: str
    facts: WavFacts | None

    @property
    def is_empty(self) -> bool:
        """Somebody was to speak, and did not."""
        facts = self.facts
        if facts is None or facts.sound_seconds is None:
            return False
        return facts.duration_seconds < HEARD_FROM_SECONDS or facts.sound_seconds < SOUND_FROM_SECONDS


async def list_recordings(
    session: AsyncSession,
    wanted: RecordingFilter,
    scope: RecordingScope,
    *,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[RecordedCall]:
    """At most ``limit + 1``, newest first, behind the one whose (started_at, id) is ``after``."""
    query = _with_stored().where(*wanted.conditions(), *scope.conditions())
    if after is not None:
        query = query.where(tuple_(Recording.started_at, Recording.id) < after)
    query = query.order_by(Recording.started_at.desc(), Recording.id.desc()).limit(limit + 1)
    return [RecordedCall(*row) for row in (await session.execute(query)).all()]


async def get_recording(session: AsyncSession, recording_id: int, scope: RecordingScope) -> RecordedCall:
    """Raises RecordingNotFound, also outside ``scope``."""
    found = await find_recording(session, recording_id, scope)
    if found is None:
        raise RecordingNotFound(recording_id=recording_id)
    return found


async def find_recording(session: AsyncSession, recording_id: int, scope: RecordingScope) -> RecordedCall | None:
    query = _with_stored().where(Recording.id == recording_id, *scope.conditions())
    row = (await session.execute(query)).one_or_none()
    return RecordedCall(*row) if row else None


async def find_ids(session: AsyncSession, files: Collection[str]) -> dict[str, int]:
    """By file, the recordings' ids for the API."""
    if not files:
        return {}
    rows = await session.execute(select(Recording.file, Recording.id).where(Recording.file.in_(files)))
    return {row.file: row.id for row in rows}


async def measure_finished(
    session: AsyncSession, pbx: str, recordings_dir: Path, *, at: datetime
) -> list[MeasuredRecording]:
    """Note size and length of recordings whose call is over; what was found. Repeating it goes on with the rest.

    A file that is not there is looked for again for a minute. Without the folder an alarm is raised instead.
    """
    query = (
        _recorded_calls()
        .where(Recording.measured_at.is_(None), Call.pbx == pbx, Call.state != "open", Call.ended_at <= at - _SETTLES)
        .order_by(Call.ended_at.desc())
        .limit(_AT_ONCE)
        .with_for_update(of=Recording, skip_locked=True)
    )
    measured: list[MeasuredRecording] = []
    for recording, call in (await session.execute(query)).all():
        try:
            facts = await asyncio.to_thread(_look, recordings_dir, recording.file, recording.purpose == MESSAGE)
        except RecordingsUnavailable:
            await raise_alarm(session, "recordings_unavailable", key=pbx, severity="critical", pbx=pbx)
            break
        if facts is None and call.ended_at is not None and call.ended_at > at - _COMES:
            continue
        recording.measured_at = at
        if facts is not None:
            recording.bytes, recording.duration_seconds = facts.bytes, facts.duration_seconds
        measured.append(MeasuredRecording(recording.file, recording.purpose, facts))
    return measured


async def delete_old(
    session: AsyncSession, pbx: str, recordings_dir: Path, *, retention_days: int, at: datetime
) -> int:
    """Delete the files of recordings that are older than their queue's policy says, or than ``retention_days``; never
    one that is held. Each is audited as done by the system. How many.
    """
    days = func.coalesce(RecordingPolicy.retention_days, retention_days)
    held = exists().where(RecordingHold.recording_id == Recording.id, RecordingHold.released_at.is_(None))
    query = (
        _recorded_calls()
        .outerjoin(RecordingPolicy, RecordingPolicy.queue_name == Recording.queue_name)
        .where(
            Recording.started_at < at - func.make_interval(0, 0, 0, days),
            ~held,
            Recording.measured_at.is_not(None),
            Recording.bytes.is_not(None),
            Recording.deleted_at.is_(None),
            Call.pbx == pbx,
        )
        .order_by(Recording.started_at)
        .limit(10 * _AT_ONCE)
        .with_for_update(of=Recording, skip_locked=True)
    )
    rows = (await session.execute(query)).all()
    for recording, call in rows:
        await asyncio.to_thread(_delete, recordings_dir, recording.id, recording.file)
        recording.deleted_at = at
        record_audit(
            session,
            SYSTEM,
            "recordings.delete",
            subject_id=str(recording.id),
            patient_id=call.patient_id,
            call_id=call.id,
        )
    return len(rows)


def _look(recordings_dir: Path, file: str, sound: bool) -> WavFacts | None:
    try:
        return measure(locate(recordings_dir, file), sound=sound)
    except RecordingFileMissing:
        return None
    except OSError as error:
        log.warning("recording_not_readable", file=file, reason=type(error).__name__)
        return None


def delete_source(recordings_dir: Path, file: str) -> None:
    """Remove what Asterisk wrote. Blocking. Raises RecordingsUnavailable, OSError."""
    try:
        locate(recordings_dir, file).unlink()
    except RecordingFileMissing:
        log.info("recording_gone_already", file=file)


def _delete(recordings_dir: Path, recording_id: int, file: str) -> None:
    stored_path(recordings_dir, recording_id).unlink(missing_ok=True)
    delete_source(recordings_dir, file)


def _with_stored() -> Select[Recording, Call, StoredRecording, bool]:
    held = exists().where(RecordingHold.recording_id == Recording.id, RecordingHold.released_at.is_(None))
    return (
        select(Recording, Call, StoredRecording, held)
        .join(Call, Call.id == Recording.call_id)
        .outerjoin(StoredRecording, StoredRecording.recording_id == Recording.id)
    )


def _recorded_calls() -> Select[Recording, Call]:
    return select(Recording, Call).join(Call, Call.id == Recording.call_id)


def _of_queues(queues: Sequence[str]) -> ColumnElement[bool]:
    """A message for one of them, or anything else of a call that entered one."""
    visited = exists().where(QueueVisit.call_id == Recording.call_id, QueueVisit.queue_name.in_(queues))
    return or_(Recording.queue_name.in_(queues), and_(Recording.queue_name.is_(None), visited))


def _with_complaint() -> ColumnElement[bool]:
    of_call = aliased(Recording)
    return exists().where(of_call.call_id == Recording.call_id, of_call.purpose == COMPLAINT)


def _talked(agent_number: str) -> ColumnElement[bool]:
    return exists().where(
        Leg.call_id == Recording.call_id, Leg.agent_number == agent_number, Leg.answered_at.is_not(None)
    )
