"""What the hospital allows to be dialled, and what was dialled today."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class CallOutPrefix(Base):
    """A rule for numbers that begin so; the longest prefix counts. Without one, see callcenter.callouts.policy."""

    __tablename__ = "call_out_prefixes"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    """Digits of an E.164 number, from the country code on, without ``+``."""
    allowed: Mapped[bool]
    note: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class CallOutLimits(Base):
    """How often may be dialled on one day; at most one row, without it callcenter.callouts.policy.DEFAULT_LIMITS."""

    __tablename__ = "call_out_limits"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number_daily: Mapped[int]
    asker_daily: Mapped[int]
    total_daily: Mapped[int]


class CallOutCount(Base):
    """Places taken on one day of the hospital's calendar: by a number, by who asked, by all (subject empty)."""

    __tablename__ = "call_out_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    taken: Mapped[int]


class DoNotCallEntry(Base):
    """Somebody does not want to be called at this number, or this person at any, and written to neither.

    At most one entry of each counts; taken back ones stay. ``until``: it counts until then; None: until it is taken
    back.
    """

    __tablename__ = "do_not_call_entries"
    __table_args__ = (
        CheckConstraint("num_nonnulls(e164, patient_id) = 1", name="of_a_number_or_a_person"),
        Index("uq_do_not_call_entries_open_e164", "e164", unique=True, postgresql_where=text("removed_at IS NULL")),
        Index(
            "uq_do_not_call_entries_open_patient_id",
            "patient_id",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_do_not_call_entries_added_at_id", "added_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    e164: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    """The person, by callcenter.patients."""
    reason: Mapped[str]
    """Why, in the words of who added it."""
    call_id: Mapped[str | None]
    """The call on which it was asked for."""
    added_at: Mapped[datetime]
    added_by: Mapped[str]
    until: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None]
    removal_reason: Mapped[str | None]
