"""The hospital's departments and doctors."""

from uuid import UUID

from sqlalchemy import ForeignKey
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
