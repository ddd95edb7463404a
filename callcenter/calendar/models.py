"""When which service is open: schedules, the days that differ, emergency closures.

All days and minutes are local (``Settings.time_zone``), all ``*_at`` instants.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.calendar.spans import Spans, SpansColumn
from callcenter.core.db import Base
from callcenter.core.ids import new_id


def _within_a_day(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} <@ '{{[0,1440)}}'::int4multirange", name=f"{column}_within_a_day")


def _spans() -> Mapped[Spans]:
    return mapped_column(SpansColumn, server_default=text("'{}'"))


class Schedule(Base):
    """A service's hours, by the name that queues and flows use."""

    __tablename__ = "schedules"
    __table_args__ = (
        *map(
            _within_a_day,
            (
                "monday",
                "tuesday",
                "wednesday",
                "thursday",
                "friday",
                "saturday",
                "sunday",
                "public_holiday",
            ),
        ),
        CheckConstraint("makeup_weekday BETWEEN 1 AND 7", name="makeup_weekday"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    label_zh: Mapped[str]
    label_en: Mapped[str]
    monday: Mapped[Spans] = _spans()
    tuesday: Mapped[Spans] = _spans()
    wednesday: Mapped[Spans] = _spans()
    thursday: Mapped[Spans] = _spans()
    friday: Mapped[Spans] = _spans()
    saturday: Mapped[Spans] = _spans()
    sunday: Mapped[Spans] = _spans()
    public_holiday: Mapped[Spans] = _spans()
    """On a public holiday, whatever its weekday."""
    makeup_weekday: Mapped[int] = mapped_column(server_default=text("1"))
    """Whose hours a make-up workday (调休) has, unless the day itself says: 1 Monday to 7 Sunday."""


class SpecialDay(Base):
    """A day on which one schedule has other hours, or none; it wins over weekday and holiday."""

    __tablename__ = "special_days"
    __table_args__ = (_within_a_day("spans"),)

    schedule_name: Mapped[str] = mapped_column(ForeignKey("schedules.name", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    spans: Mapped[Spans] = _spans()
    reason_zh: Mapped[str]
    reason_en: Mapped[str]


class HospitalDay(Base):
    """What the staff say of a day, for all schedules; it wins over the published list."""

    __tablename__ = "hospital_days"
    __table_args__ = (
        CheckConstraint("kind IN ('holiday', 'workday', 'ordinary')", name="kind"),
        CheckConstraint("counts_as BETWEEN 1 AND 7", name="counts_as"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """``holiday``; ``workday``: a make-up workday; ``ordinary``: as its weekday, whatever the list says."""
    counts_as: Mapped[int | None]
    """Of a workday: whose weekday's hours it has (1 Monday to 7 Sunday); None: as each schedule says."""
    name_zh: Mapped[str]
    name_en: Mapped[str]


class Closure(Base):
    """An emergency closure: of one schedule, or of all (None), from ``started_at`` on."""

    __tablename__ = "closures"
    __table_args__ = (
        # '' is no schedule's name: it stands for all of them
        Index(
            "uq_closures_open_scope",
            text("coalesce(schedule_name, '')"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule_name: Mapped[str | None] = mapped_column(ForeignKey("schedules.name", ondelete="CASCADE"))
    announcement_zh: Mapped[str]
    announcement_en: Mapped[str]
    started_at: Mapped[datetime]
    started_by: Mapped[str]
    """Who closed, by log-in or key name."""
    until_at: Mapped[datetime | None]
    """When it ends by itself; None: when somebody ends it."""
    ended_at: Mapped[datetime | None]
    """When it was ended, or ``until_at`` once somebody noted that it is over."""
    ended_by: Mapped[str | None]
    """Who ended it; None: it ended by itself."""
