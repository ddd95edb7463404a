"""The ledger as it was read, and what is derived from it: calls, legs, queue visits, steps, recordings.

What grows with every call lies in partitions by month, each row by a time of its own (calls/partitions.py); so keys
are unique together with that time, and no foreign key leads here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TSTZMULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


def _numbered(sequence: str) -> Mapped[int]:
    """Of a partitioned table, whose first partition has rows of its own with numbers of this sequence."""
    return mapped_column(BigInteger, primary_key=True, server_default=text(f"nextval('{sequence}')"))


class LedgerFile(Base):
    """How far a file of Asterisk has been read. A renamed, moved or restored file keeps its row."""

    __tablename__ = "ledger_files"
    __table_args__ = (UniqueConstraint("pbx", "kind", "head_digest"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pbx: Mapped[str]
    kind: Mapped[str]
    """``cel`` (ledger.jsonl) or ``queue_log``."""
    device: Mapped[int] = mapped_column(BigInteger)
    inode: Mapped[int] = mapped_column(BigInteger)
    head_digest: Mapped[str]
    """Digest of the first line, which names the file; ``#1``, ``#2``... after truncations that kept that line."""
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes read and committed, always at a line's end."""
    derived_offset: Mapped[int | None] = mapped_column(BigInteger)
    """Up to here the lines are in the calls; those behind it may be in them later. None: as far as read."""
    first_seen_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class LedgerEvent(Base):
    """One line of the channel-event ledger, as it was written. (file_id, offset) makes reading idempotent."""

    __tablename__ = "ledger_events_by_month"
    __table_args__ = (
        Index("uq_ledger_events_by_month", "file_id", "offset", "at", unique=True),
        Index("ix_ledger_events_by_month_linkedid", "linkedid"),
    )

    id: Mapped[int] = _numbered("ledger_events_ids")
    file_id: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
    pbx: Mapped[str]
    kind: Mapped[str]
    """Asterisk's event name, or our own from CELGenUserEvent (``CC_...``)."""
    at: Mapped[datetime]
    uniqueid: Mapped[str]
    linkedid: Mapped[str]
    channel: Mapped[str]
    context: Mapped[str]
    extension: Mapped[str]
    application: Mapped[str]
    peer: Mapped[str]
    extra: Mapped[dict[str, Any]]


class QueueLogEvent(Base):
    """One line of queue_log. ``callid`` is the waiting caller's uniqueid; ``data`` the fields after the event."""

    __tablename__ = "queue_log_events_by_month"
    __table_args__ = (
        Index("uq_queue_log_events_by_month", "file_id", "offset", "at", unique=True),
        Index("ix_queue_log_events_by_month_callid", "callid"),
    )

    id: Mapped[int] = _numbered("queue_log_events_ids")
    file_id: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
    pbx: Mapped[str]
    at: Mapped[datetime]
    callid: Mapped[str]
    queue_name: Mapped[str]
    agent: Mapped[str]
    kind: Mapped[str]
    data: Mapped[list[str]] = mapped_column(ARRAY(String))


class LedgerQuarantine(Base):
    """A line that could not be read: kept as bytes (escaped), counted nowhere, an alarm raised."""

    __tablename__ = "ledger_quarantine"
    __table_args__ = (UniqueConstraint("file_id", "offset"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    file_id: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    reason: Mapped[str]
    line: Mapped[str]


class PbxBoot(Base):
    """A start of Asterisk: what was open before it ended with it."""

    __tablename__ = "pbx_boots"

    pbx: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)


class CallLink(Base):
    """Which linkedids make one call: one, or several joined by an attended transfer."""

    __tablename__ = "call_links"

    linkedid: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(index=True)


class Call(Base):
    """A call, derived from its ledger events and written again whenever they grow; never edited by hand.

    ``id``: linkedid of its first channel. All ``*_seconds`` are exact differences of ledger times.
    """

    __tablename__ = "calls_by_month"
    __table_args__ = (
        Index("uq_calls_by_month", "id", "started_at", unique=True),
        Index("ix_calls_by_month_started_at_id", "started_at", "id"),
        Index("ix_calls_by_month_caller_number_started_at", "caller_number", "started_at"),
        Index("ix_calls_by_month_patient_id_started_at", "patient_id", "started_at"),
        Index("ix_calls_by_month_agent_number_started_at", "agent_number", "started_at"),
        Index("ix_calls_by_month_open", "pbx", "started_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    pbx: Mapped[str]
    direction: Mapped[str]
    """``inbound``, ``outbound`` or ``internal``."""
    caller_number: Mapped[str | None]
    """Of who called, or of whom we called: E.164; None when unknown or withheld."""
    dialled_number: Mapped[str | None]
    """The DID for an inbound call."""
    flow: Mapped[str | None]
    flow_revision: Mapped[str | None]
    language: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    """Recognised by the number (a hint) or, when ``verified``, by card and check code."""
    verified: Mapped[bool] = mapped_column(default=False)
    vip_grade: Mapped[str | None]
    agent_number: Mapped[str | None]
    """The agent who talked last with the caller."""
    queue_name: Mapped[str | None]
    """The last queue entered."""
    state: Mapped[str]
    """``open`` until the last hang-up, then ``finished``; ``node_lost`` when the PBX died under it."""
    outcome: Mapped[str]
    """``answered`` (by an agent), ``abandoned`` (hung up waiting), ``self_service`` (ended in the menu),
    ``not_served`` (left the queue unanswered, no agent), ``lost`` (PBX died before an agent answered), ``open``."""
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    """When the hotline answered (not the agent)."""
    ended_at: Mapped[datetime | None]
    """For ``node_lost`` its last known event: it ended between this and the PBX's next start."""
    wait_seconds: Mapped[float] = mapped_column(default=0.0)
    talk_seconds: Mapped[float] = mapped_column(default=0.0)
    hold_seconds: Mapped[float] = mapped_column(default=0.0)
    duration_seconds: Mapped[float] = mapped_column(default=0.0)
    hung_up_by: Mapped[str | None]
    """``caller``, ``agent``, ``pbx`` or None when the ledger does not say."""
    hangup_cause: Mapped[int | None]
    """Q.850 cause of the caller's channel."""
    rating: Mapped[int | None]
    """The caller's last mark on this call, 1 to 5."""
    about_agent_number: Mapped[str | None]
    """The agent whom the caller complains of on this call: who sees nothing of it."""
    derived_at: Mapped[datetime]


class Leg(Base):
    """One channel of a call."""

    __tablename__ = "legs_by_month"
    __table_args__ = (
        Index("uq_legs_by_month", "uniqueid", "started_at", unique=True),
        Index("ix_legs_by_month_agent_number_started_at", "agent_number", "started_at"),
        Index("ix_legs_by_month_call_id", "call_id"),
    )

    uniqueid: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str]
    channel: Mapped[str]
    role: Mapped[str]
    """``caller``, ``agent``, ``trunk`` or ``other``."""
    seat_name: Mapped[str | None]
    agent_number: Mapped[str | None]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    hangup_cause: Mapped[int | None]
    queue_name: Mapped[str | None]
    """The queue whose caller the agent's telephone was rung for."""
    offer: Mapped[str | None]
    """What became of that: ``answered``, ``missed``, ``withdrawn`` or ``open`` (calls/offers.py)."""
    held: Mapped[Sequence[Range[datetime]] | None] = mapped_column(TSTZMULTIRANGE)
    """When the agent had the other side on hold. None: never."""
    transferred_at: Mapped[datetime | None]
    """When the agent passed the other side on."""


class QueueVisit(Base):
    """One stay of one call in one queue. Identity per queue and period:
    offered = answered + abandoned + overflowed + moved + lost + open."""

    __tablename__ = "queue_visits_by_month"
    __table_args__ = (
        Index("uq_queue_visits_by_month", "uniqueid", "number", "entered_at", unique=True),
        Index("ix_queue_visits_by_month_queue_name_entered_at", "queue_name", "entered_at"),
        Index("ix_queue_visits_by_month_call_id", "call_id"),
    )

    id: Mapped[int] = _numbered("queue_visits_ids")
    call_id: Mapped[str]
    uniqueid: Mapped[str]
    """The waiting caller's channel."""
    number: Mapped[int]
    """First, second... visit of this caller's channel in this call."""
    queue_name: Mapped[str]
    priority: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str]
    """``answered``, ``abandoned``, ``overflowed``, ``moved``, ``lost`` or ``open``."""
    reason: Mapped[str | None]
    """Detail of the outcome. overflowed: timeout, full, nobody_there, left_empty, key, no_such_queue, unknown;
    moved: withdrawn, redirected; abandoned: caller_hangup, pbx_hangup; answered: caller_hangup, agent_hangup,
    pbx_hangup, transferred."""
    entered_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    """End of the stay: answer, hang-up or exit; talk goes on after it."""
    wait_seconds: Mapped[float]
    """From entry to ``left_at``; 0 while open."""
    talk_seconds: Mapped[float] = mapped_column(default=0.0)
    """With whoever served this visit, without hold, until hang-up, transfer or the next queue."""
    agent_number: Mapped[str | None]
    offers: Mapped[int] = mapped_column(default=0)
    """How many times an agent's phone was rung for it."""
    rating: Mapped[int | None]
    """The caller's mark for it, 1 to 5."""


class CallStep(Base):
    """One step of the flow and its outcome: names only, never digits."""

    __tablename__ = "call_steps_by_month"
    __table_args__ = (Index("uq_call_steps_by_month", "call_id", "number", "at", unique=True),)

    id: Mapped[int] = _numbered("call_steps_ids")
    call_id: Mapped[str]
    number: Mapped[int]
    at: Mapped[datetime]
    flow: Mapped[str]
    step: Mapped[str]
    outcome: Mapped[str]


class Recording(Base):
    """A recording that Asterisk was told to make; ``file`` is relative to the PBX's recordings folder."""

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("id"),
        Index("ix_recordings_started_at_id", "started_at", "id"),
        Index("ix_recordings_unmeasured", "call_id", postgresql_where=text("measured_at IS NULL")),
    )

    file: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity())
    """What the API calls it: a file's name holds a call's id."""
    call_id: Mapped[str] = mapped_column(index=True)
    purpose: Mapped[str]
    """``conversation``, ``complaint``, ``message`` or ``remark``."""
    queue_name: Mapped[str | None]
    """Whose message it is, or in which queue the conversation was."""
    agent_number: Mapped[str | None]
    """On whose leg it was made; None: on the caller's."""
    started_at: Mapped[datetime]
    measured_at: Mapped[datetime | None]
    """When the engine looked at the file, after the call; until then it may still grow."""
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    """None once measured: there is no file (nobody answered the call that was to be recorded)."""
    duration_seconds: Mapped[float | None]
    deleted_at: Mapped[datetime | None]
    """Its time was over."""
