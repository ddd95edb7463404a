"""Shapes of the directory API."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints

from callcenter.core.http import ApiModel

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$")]
CodeInPath = Annotated[Code, Path(examples=["CARD"])]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
FilledLabel = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class DepartmentPut(ApiModel):
    name_zh: FilledLabel = Field(examples=["心内科"])
    name_en: Label = Field(default="", examples=["Cardiology"])


class DepartmentResponse(DepartmentPut):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    code: str = Field(examples=["CARD"])


class DoctorPut(ApiModel):
    name_zh: FilledLabel = Field(examples=["王建国"])
    name_en: Label = Field(default="", examples=["Wang Jianguo"])
    title_zh: Label = Field(default="", examples=["主任医师"])
    title_en: Label = Field(default="", examples=["Chief physician"])
    department_code: Code | None = Field(default=None, examples=["CARD"])


class DoctorResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    code: str = Field(examples=["D1001"])
    name_zh: str
    name_en: str
    title_zh: str
    title_en: str
    department_id: UUID | None
