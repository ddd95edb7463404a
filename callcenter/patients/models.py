"""Patients, how they are recognised, and what happened to them in the hospital."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Computed, DateTime, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class VipGrade(Base):
    """What a grade gives is the hospital's policy: data.

    ``head_start_seconds``: how much earlier than they came VIPs of this grade stand in the queue.
    ``benefits``: codes such as ``free_expert_advice``, ``free_booking``, ``home_nursing``, ``emergency_help``.
    """

    __tablename__ = "vip_grades"

    code: Mapped[str] = mapped_column(primary_key=True)
    label_zh: Mapped[str]
    label_en: Mapped[str]
    head_start_seconds: Mapped[int]
    benefits: Mapped[list[str]] = mapped_column(ARRAY(String), default=list, server_default=text("'{}'"))


class Patient(Base):
    """A person. ``external_id``: the hospital system's patient number; imports match by it."""

    __tablename__ = "patients"
    __table_args__ = (Index("ix_patients_name", "name", postgresql_ops={"name": "text_pattern_ops"}),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    sex: Mapped[str] = mapped_column(default="unknown")
    """``female``, ``male`` or ``unknown``."""
    birth_date: Mapped[date | None]
    language: Mapped[str] = mapped_column(default="zh")
    email: Mapped[str | None]
    vip_grade: Mapped[str | None] = mapped_column(ForeignKey("vip_grades.code"))
    responsible_doctor_id: Mapped[UUID | None] = mapped_column(ForeignKey("doctors.id"))
    deceased: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PatientNumber(Base):
    """One number may belong to several patients (a family), one patient has several numbers."""

    __tablename__ = "patient_numbers"

    e164: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    relation: Mapped[str] = mapped_column(default="self")
    """``self``, or whose number it is: ``family``, ``carer``, ``work``."""


class Card(Base):
    """A visit card (就诊卡). The check code (校验码, six digits or more) exists only as a keyed hash."""

    __tablename__ = "cards"

    number: Mapped[str] = mapped_column(primary_key=True)
    digits: Mapped[str] = mapped_column(
        Computed("regexp_replace(number, '[^0-9]', '', 'g')", persisted=True), index=True
    )
    """What a caller keys in: the number without its letters and dashes. Several cards may share it."""
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), index=True)
    check_code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    active: Mapped[bool] = mapped_column(default=True)


class CodeCounter(Base):
    """The latest wrong check codes of one card, one caller's number, one trunk, or the whole line (code_guard).

    ``scope``: which of these. ``subject``: a card's number, a trunk's name; of a caller's number and of a card that
    does not exist only a keyed hash. ``failed_at``: in order of time, no more than the limit of the scope.
    """

    __tablename__ = "code_counters"

    scope: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    failed_at: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    locked_until: Mapped[datetime | None]
    touched_at: Mapped[datetime]


class Visit(Base):
    """An attendance at the hospital (not a queue visit)."""

    __tablename__ = "visits"
    __table_args__ = (Index("ix_visits_patient_id_visited_at", "patient_id", "visited_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    kind: Mapped[str]
    """``outpatient``, ``emergency`` or ``inpatient``."""
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"))
    doctor_id: Mapped[UUID | None] = mapped_column(ForeignKey("doctors.id"))
    visited_at: Mapped[datetime]
    summary: Mapped[str] = mapped_column(default="")


class Discharge(Base):
    __tablename__ = "discharges"
    __table_args__ = (Index("ix_discharges_patient_id_discharged_at", "patient_id", "discharged_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"))
    doctor_id: Mapped[UUID | None] = mapped_column(ForeignKey("doctors.id"))
    discharged_at: Mapped[datetime]
    diagnosis: Mapped[str] = mapped_column(default="")


class Appointment(Base):
    __tablename__ = "appointments"
    __table_args__ = (Index("ix_appointments_patient_id_starts_at", "patient_id", "starts_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"))
    doctor_id: Mapped[UUID | None] = mapped_column(ForeignKey("doctors.id"))
    booked_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    status: Mapped[str]
    """``booked``, ``confirmed``, ``cancelled``, ``attended`` or ``missed``."""


class PatientReminder(Base):
    """A day on which something is due for the patient, as the hospital's system tells it."""

    __tablename__ = "patient_reminders"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    """``check_up``, ``vaccination``, ``re_examination`` or ``medication``."""
    due_on: Mapped[date] = mapped_column(index=True)
    note: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    """False: it is done, or not wanted any more."""
