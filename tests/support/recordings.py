"""Recorded calls, as the ledger and Asterisk leave them: rows, and files in the recordings folder."""

from array import array
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from callcenter.calls.models import Call, Leg, QueueVisit, Recording
from callcenter.calls.recording_storing import RecordingStorer
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.sealed_files import KeyRing
from callcenter.core.secrets import get_secret
from callcenter.workorders.handlers import on_measured
from tests.support.ledger_reading import PBX

PATIENT = UUID("0190b1b2-0000-7000-8000-000000000001")
AGENT_LOUD, CALLER_LOUD = 900, 400
"""What each side says, sample by sample."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded conversation. ``source``: the file that Asterisk wrote."""

    id: int
    call_id: str
    source: Path


def conversation(path: Path, seconds: float, *, rest: bytes = b"") -> Path:
    """As MixMonitor writes it on the agent's leg: whom it hears (the agent) first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(array("h", [AGENT_LOUD, CALLER_LOUD] * int(8000 * seconds)).tobytes() + rest)
    return path


async def given_conversation(
    database: Database,
    recordings_dir: Path,
    *,
    number: int = 1,
    queue: str = "consultation",
    agent: str = "1001",
    seconds: float = 2.0,
    rest: bytes = b"",
    state: str = "finished",
    started_at: datetime | None = None,
    purpose: str = "conversation",
) -> Recorded:
    """A call that is over, of which Asterisk left a file."""
    at = started_at or now() - timedelta(minutes=5)
    call_id, leg = f"{PBX}-1.{number}", f"{PBX}-2.{number}"
    file = f"{at:%Y%m%d}/{purpose}-{leg}.raw"
    ended_at = at + timedelta(seconds=60)
    async with database.transaction() as session:
        session.add(
            Call(
                id=call_id,
                pbx=PBX,
                direction="inbound",
                patient_id=PATIENT,
                agent_number=agent,
                queue_name=queue,
                state=state,
                outcome="answered",
                started_at=at,
                ended_at=ended_at,
                derived_at=at,
            )
        )
        session.add(
            Leg(
                uniqueid=leg,
                call_id=call_id,
                channel=f"PJSIP/seat-rose-{number:08}",
                role="agent",
                agent_number=agent,
                started_at=at,
                answered_at=at,
                ended_at=ended_at,
            )
        )
        session.add(
            QueueVisit(
                call_id=call_id,
                uniqueid=call_id,
                number=1,
                queue_name=queue,
                priority=1,
                outcome="answered",
                entered_at=at,
                left_at=at,
                wait_seconds=0.0,
                agent_number=agent,
            )
        )
        recording = Recording(
            file=file, call_id=call_id, purpose=purpose, queue_name=queue, agent_number=agent, started_at=at
        )
        session.add(recording)
        await session.flush()
        return Recorded(recording.id, call_id, conversation(recordings_dir / file, seconds, rest=rest))


def storer(database: Database, settings: Settings) -> RecordingStorer:
    """As the engine has it."""
    settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    return RecordingStorer(
        database,
        pbx=PBX,
        recordings_dir=settings.recordings_dir,
        keys=KeyRing(get_secret(settings, "recording_key")),
        on_measured=on_measured,
    )
