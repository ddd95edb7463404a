"""Campaigns, whom they are for, each dial or message to them, and why each was made or not."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class CampaignKind(StrEnum):
    CARE = "care"
    REMINDER = "reminder"
    SURVEY = "survey"
    NOTICE = "notice"
    CALLBACK = "callback"


class CampaignState(StrEnum):
    """``draft``: never ran. ``paused``: nothing new begins, running calls end. The last two are for good."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    TELEPHONE = "telephone"
    EMAIL = "email"
    SMS = "sms"


MESSAGES = frozenset({Channel.EMAIL, Channel.SMS})
"""What is written: it needs no line, and is no conversation."""


class Outcome(StrEnum):
    """What an attempt came to (domain.md, "outcome of an attempt"). Read off the ledger, never guessed."""

    COMPLETED = "completed"
    HUNG_UP_EARLY = "hung_up_early"
    ANSWERED_NO_INPUT = "answered_no_input"
    WRONG_PERSON = "wrong_person"
    MACHINE = "machine"
    ABANDONED_BY_US = "abandoned_by_us"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    INVALID_NUMBER = "invalid_number"
    NETWORK_FAILURE = "network_failure"
    OPTED_OUT = "opted_out"
    NOT_PLACED = "not_placed"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"


CONVERSATIONS = frozenset(
    {
        Outcome.COMPLETED,
        Outcome.HUNG_UP_EARLY,
        Outcome.ANSWERED_NO_INPUT,
        Outcome.WRONG_PERSON,
        Outcome.ABANDONED_BY_US,
        Outcome.OPTED_OUT,
    }
)
"""Somebody took the receiver off."""


class ContactState(StrEnum):
    """``new``: its texts are not spoken yet. ``waiting``: for ``next_at``. ``dialling``: an attempt is open."""

    NEW = "new"
    WAITING = "waiting"
    DIALLING = "dialling"
    FINISHED = "finished"


class ContactResult(StrEnum):
    """What became of a contact in the end. ``unknown``: a dial without an end; not dialled again by itself."""

    REACHED = "reached"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


class Campaign(Base):
    """A programme of calls out. The jsonb columns hold the shapes of callcenter.campaigns.rules."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'running', 'paused', 'finished', 'cancelled')", name="state"),
        CheckConstraint("ends_at > starts_at", name="validity"),
        Index("ix_campaigns_created_at_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    priority: Mapped[int]
    """Among campaigns that want the same lines: the higher first."""
    pbx: Mapped[str]
    caller_id: Mapped[str] = mapped_column(ForeignKey("dids.number"))
    """The number of ours that is shown; the same for every attempt."""
    flow: Mapped[str]
    texts: Mapped[dict[str, Any]]
    channels: Mapped[list[str]] = mapped_column(ARRAY(String))
    """In this order: the next when the one before cannot reach the person."""
    zone: Mapped[str]
    """IANA name; a contact may have another."""
    windows: Mapped[dict[str, Any]]
    pacing: Mapped[dict[str, Any]]
    retry: Mapped[dict[str, Any]]
    report_to: Mapped[str] = mapped_column(default="", server_default="")
    """URL that is told of every attempt; empty: nobody."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes: who changes an older one is told."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class CampaignContact(Base):
    """One person in one campaign. ``key``: the caller's own, so that the same person is not put in twice."""

    __tablename__ = "campaign_contacts"
    __table_args__ = (
        UniqueConstraint("campaign_id", "key"),
        Index(  # of queries.lock_due: each way of reaching people takes its own, in order, and sees no other's
            "ix_campaign_contacts_due",
            "campaign_id",
            "next_channel",
            "next_at",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_campaign_contacts_new", "campaign_id", "next_at", postgresql_where=text("state = 'new'")),
        Index(  # of callcenter.retention
            "ix_campaign_contacts_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")
        ),
        Index("ix_campaign_contacts_patient_id", "patient_id", postgresql_where=text("patient_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    key: Mapped[str]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patients.id", ondelete="SET NULL"))
    """None: a contact person, no patient."""
    person: Mapped[str]
    """Who it is, for the governor: the patient's id, else the first number or address."""
    name: Mapped[str]
    language: Mapped[str]
    zone: Mapped[str | None]
    """IANA name; None: the campaign's."""
    numbers: Mapped[list[str]] = mapped_column(ARRAY(String))
    """E.164, in the order in which they are tried."""
    email: Mapped[str | None]
    appointment_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointments.id", ondelete="SET NULL"))
    """What a confirmation is written back to."""
    variables: Mapped[dict[str, Any]]
    state: Mapped[str]
    next_at: Mapped[datetime | None]
    next_channel: Mapped[str]
    next_number: Mapped[int] = mapped_column(default=0)
    """Index in ``numbers``."""
    status: Mapped[str]
    """Of a respondent: callcenter.campaigns.respondents.Status."""
    result: Mapped[str | None]
    reason: Mapped[str | None]
    """Why it waits or why it ended, a stable word."""
    attempts: Mapped[int] = mapped_column(default=0)
    """That are over; for lists, nothing is decided by it."""
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    @property
    def address(self) -> str:
        """Where the next attempt goes: E.164, or a mail address."""
        return (self.email or "") if self.next_channel == Channel.EMAIL else self.numbers[self.next_number]


class CampaignAttempt(Base):
    """One dial (or message) to one contact. Never two open ones of a contact, a person or an address."""

    __tablename__ = "campaign_attempts"
    __table_args__ = (
        Index("uq_campaign_attempts_open_contact_id", "contact_id", unique=True, postgresql_where=text("is_open")),
        Index("uq_campaign_attempts_open_person", "person", unique=True, postgresql_where=text("is_open")),
        Index("uq_campaign_attempts_open_address", "address", unique=True, postgresql_where=text("is_open")),
        Index("ix_campaign_attempts_contact_id", "contact_id", "number"),
        Index("ix_campaign_attempts_person", "person"),
        Index("ix_campaign_attempts_address_day", "address", "day"),
        Index("ix_campaign_attempts_campaign_id_claimed_at", "campaign_id", "claimed_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Of a dial: the id of its channel and call; of a message: the reference of its row in the outbox."""
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_contacts.id", ondelete="CASCADE"))
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    person: Mapped[str]
    number: Mapped[int]
    """The contact's n-th attempt, from 1."""
    channel: Mapped[str]
    address: Mapped[str]
    """E.164, or a mail address."""
    pbx: Mapped[str]
    day: Mapped[date]
    """Of the hospital's calendar: for the governor's caps."""
    claimed_at: Mapped[datetime]
    """When the decision to dial was committed."""
    offered_until: Mapped[datetime | None]
    """The agent ``agent_number`` looks at the contact and decides; nobody is dialled yet. None: it is decided."""
    is_open: Mapped[bool] = mapped_column(default=True)
    dialled_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    hangup_cause: Mapped[int | None]
    agent_number: Mapped[str | None]


class CampaignAnswer(Base):
    """What a contact said in an attempt: the answer to one question, as the flow heard it."""

    __tablename__ = "campaign_answers"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("campaign_attempts.id", ondelete="CASCADE"), primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_contacts.id", ondelete="CASCADE"), index=True)
    revision: Mapped[str]
    """Of the flow that asked."""
    value: Mapped[str]
    answered_at: Mapped[datetime]


class ContactDecision(Base):
    """Why a contact was called, was not, or has to wait: one row each time the reason changes."""

    __tablename__ = "campaign_decisions"
    __table_args__ = (
        Index("ix_campaign_decisions_contact_id", "contact_id", "id"),
        Index("ix_campaign_decisions_person", "person", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_contacts.id", ondelete="CASCADE"))
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    person: Mapped[str]
    at: Mapped[datetime]
    decision: Mapped[str]
    """``called``, ``written``, ``waits``, ``finished``."""
    reason: Mapped[str]
    until: Mapped[datetime | None]
    """Of ``waits``: when it is looked at again."""


class GovernorRules(Base):
    """Over all campaigns; at most one row, without it callcenter.campaigns.governor.DEFAULT_LIMITS."""

    __tablename__ = "campaign_governor"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    limits: Mapped[dict[str, Any]]
