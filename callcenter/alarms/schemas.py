"""Shapes of the alarms API."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

AlarmState = Literal["open", "acknowledged"]
Severity = Literal["info", "warning", "critical"]
AlarmKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
AlarmId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the alarm.", examples=[3])]


class AlarmResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str = Field(examples=["emergency"])
    severity: Severity
    details: dict[str, Any] = Field(description="Ids only; of an emergency `call_id` and `patient_id`.")
    raised_at: datetime
    last_at: datetime = Field(description="When it occurred last.")
    occurrences: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
