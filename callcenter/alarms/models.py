"""Alarm rules: what is measured, when it is an alarm, and who is told. Data: effective from the next look on."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class AlarmRule(Base):
    """A condition on a measure (supervision.alarm_measures.MEASURES says which there are, of what, in what unit).

    Of the measure ``event`` there is no condition: such a rule says who is told of alarms that others raise.
    """

    __tablename__ = "alarm_rules"

    id: Mapped[str] = mapped_column(primary_key=True)
    """``[a-z][a-z0-9-]*``."""
    label_zh: Mapped[str]
    label_en: Mapped[str]
    measure: Mapped[str]
    comparison: Mapped[str]
    """``above`` or ``below``: on which side of the threshold it is bad."""
    threshold: Mapped[float]
    for_seconds: Mapped[float]
    """It must have been bad for so long."""
    clear_threshold: Mapped[float]
    """Only beyond this it is good again: on the good side of ``threshold``, or the same."""
    clear_seconds: Mapped[float]
    """It must have been good for so long."""
    window_minutes: Mapped[int]
    """Over how long rates and counts of calls are taken."""
    minimum_calls: Mapped[int]
    """A rate of fewer calls than this says nothing."""
    level: Mapped[str]
    """``info``, ``warning`` or ``critical``. Of ``event``: the least that is told."""
    scope: Mapped[list[str]] = mapped_column(ARRAY(String))
    """Queues it holds for; of ``event``, kinds of alarms. Empty: all."""
    tell_roles: Mapped[list[str]] = mapped_column(ARRAY(String))
    tell_users: Mapped[list[str]] = mapped_column(ARRAY(String))
    """Whose console draws attention to it, by role or log-in name. Both empty: everybody's who may see it."""
    mail_to: Mapped[list[str]] = mapped_column(ARRAY(String))
    webhooks: Mapped[list[str]] = mapped_column(ARRAY(String))
    enabled: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class AlarmRuleState(Base):
    """Where a rule stands with one subject (a queue, an agent...); no row: all is well."""

    __tablename__ = "alarm_rule_states"

    rule_id: Mapped[str] = mapped_column(ForeignKey("alarm_rules.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    phase: Mapped[str]
    """``pending``, ``raised`` or ``clearing`` (callcenter.alarms.rule_policy)."""
    since: Mapped[datetime]
    alarm_id: Mapped[int | None] = mapped_column(BigInteger)


class AlarmReading(Base):
    """What an engine measured of its own surroundings, which no other process can see, seconds ago."""

    __tablename__ = "alarm_readings"
    __table_args__ = (Index("ix_alarm_readings_pbx", "pbx"),)

    measure: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    pbx: Mapped[str]
    value: Mapped[float | None]
    at: Mapped[datetime]
