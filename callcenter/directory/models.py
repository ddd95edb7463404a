"""The hospital's departments and doctors, and what callers are told of them: articles."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class Department(Base):
    """``code`` is the hospital's own, stable across imports."""

    __tablename__ = "departments"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")


class Doctor(Base):
    """``code`` is the hospital's staff number."""

    __tablename__ = "doctors"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    title_zh: Mapped[str] = mapped_column(default="")
    title_en: Mapped[str] = mapped_column(default="")
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"), index=True)


class Article(Base):
    """A text that staff write and callers hear: of a doctor, a hospital, how to seek care, health advice.

    An article is never removed, only made inactive: its number is then free for another.
    """

    __tablename__ = "articles"
    __table_args__ = (
        CheckConstraint("number BETWEEN 1 AND 999999", name="number"),
        # a caller keys in the number; the list of a section is read out in its order
        Index("uq_articles_active_section_number", "section", "number", unique=True, postgresql_where=text("active")),
        Index("ix_articles_department", "department_id", "section", "number", postgresql_where=text("active")),
        Index("ix_articles_section_number_id", "section", "number", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    section: Mapped[str]
    """One of :data:`callcenter.directory.articles.SECTIONS`."""
    number: Mapped[int]
    """What callers key in."""
    doctor_id: Mapped[UUID | None] = mapped_column(ForeignKey("doctors.id"), index=True)
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"))
    """Under which it is read out by department; with a doctor, always the doctor's."""
    title_zh: Mapped[str]
    title_en: Mapped[str]
    body_zh: Mapped[str]
    body_en: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    """Counts every change; whoever changes must have seen the newest."""
    updated_by: Mapped[str]
    updated_at: Mapped[datetime]


class ArticleVersion(Base):
    """An article as it was from ``changed_at`` to the next version. Append-only."""

    __tablename__ = "article_versions"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("articles.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    doctor_id: Mapped[UUID | None]
    department_id: Mapped[UUID | None]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    body_zh: Mapped[str]
    body_en: Mapped[str]
    active: Mapped[bool]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
