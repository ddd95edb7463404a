"""Agents, their seats, and the history of what they wanted and did."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class Wanted(StrEnum):
    """What the agent wants; only people and rules change it, never an event of the PBX."""

    LOGGED_OUT = "logged_out"
    AVAILABLE = "available"
    PAUSED = "paused"


class Activity(StrEnum):
    """What the agent does; only events of the PBX change it."""

    IDLE = "idle"
    RINGING = "ringing"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"


class Cause(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"


class SeatKind(StrEnum):
    """What stands at a seat: a telephone with a password of its own, or the desk's page."""

    PHONE = "phone"
    BROWSER = "browser"


class Seat(Base):
    """A SIP endpoint. ``name``: the endpoint's name, never a number, so that scanners do not guess it."""

    __tablename__ = "seats"

    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    sip_password: Mapped[str]
    """PJSIP needs the clear text (or its MD5, no better): random, 192 bits, never shown again by the API.

    Nothing knows that of a browser's seat: it gets a new one at each log-in (desk/phones.py).
    """
    kind: Mapped[str] = mapped_column(default=SeatKind.PHONE, server_default=SeatKind.PHONE.value)
    registered: Mapped[bool] = mapped_column(default=False)
    registered_at: Mapped[datetime | None]


class PauseReason(Base):
    __tablename__ = "pause_reasons"

    code: Mapped[str] = mapped_column(primary_key=True)
    """Allow-listed characters only: it travels to Asterisk and into queue_log."""
    label_zh: Mapped[str]
    label_en: Mapped[str]
    digit: Mapped[str | None] = mapped_column(unique=True)
    """Key of the feature code ``*14<digit>``."""
    active: Mapped[bool] = mapped_column(default=True)
    by_system: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether only a rule gives it: no agent chooses it."""


class Agent(Base):
    """``number``: what the agent keys in at a phone; ``agent-<number>`` is the member name in Asterisk."""

    __tablename__ = "agents"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), unique=True)
    pin_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    wanted: Mapped[str] = mapped_column(default=Wanted.LOGGED_OUT)
    pause_reason: Mapped[str | None] = mapped_column(ForeignKey("pause_reasons.code"))
    wanted_since: Mapped[datetime]
    seat_name: Mapped[str | None] = mapped_column(ForeignKey("seats.name"), unique=True)
    """Where the agent sits now; None when logged out."""
    activity: Mapped[str] = mapped_column(default=Activity.IDLE)
    activity_since: Mapped[datetime]
    activity_call_id: Mapped[str | None]
    """linkedid of the call that rings or talks, as the live events say."""
    wrap_up_until: Mapped[datetime | None]
    live_call: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What rings or goes on at the agent's telephone (agents/live_calls.py)."""
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    missed_calls: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Offered and not taken, one after the other, since the last that was taken or the last wish to be available."""
    """Counts the agent's state changes: a client that missed some sees the hole."""


class AgentStateChange(Base):
    """One change of ``wanted`` or ``activity``; with the agent's previous rows the whole day can be told."""

    __tablename__ = "agent_state_changes"
    __table_args__ = (
        UniqueConstraint("agent_id", "sequence"),
        Index("ix_agent_state_changes_agent_id_at", "agent_id", "at"),
        Index("ix_agent_state_changes_seat_name_at", "seat_name", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    cause: Mapped[str]
    actor_name: Mapped[str]
    wanted_before: Mapped[str]
    wanted: Mapped[str]
    pause_reason: Mapped[str | None]
    activity_before: Mapped[str]
    activity: Mapped[str]
    call_id: Mapped[str | None]
    seat_name: Mapped[str | None]


class AgentMessage(Base):
    """What an agent's desk was told (callcenter.agents.messages); kept for a day, for pages that come back."""

    __tablename__ = "agent_messages"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Of the agent; a change of state has the number of its row in agent_state_changes."""
    at: Mapped[datetime] = mapped_column(index=True)
    type: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class DeskTicket(Base):
    """A way in to the desk's socket, good once: the token itself is in no address."""

    __tablename__ = "desk_tickets"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    token_digest: Mapped[bytes] = mapped_column(LargeBinary)
    """The log-in that asked for it: the socket ends with that one."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Skill(Base):
    """What an agent can do better or worse (a language, a field); a queue may ask for one."""

    __tablename__ = "skills"

    code: Mapped[str] = mapped_column(primary_key=True)
    label_zh: Mapped[str]
    label_en: Mapped[str]


class AgentSkill(Base):
    """``level``: 1 (a little) to 5 (best); without a row: not at all."""

    __tablename__ = "agent_skills"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True)
    skill: Mapped[str] = mapped_column(ForeignKey("skills.code", ondelete="CASCADE"), primary_key=True, index=True)
    level: Mapped[int]
