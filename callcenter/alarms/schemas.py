"""Shapes of the alarms API."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

AlarmState = Literal["open", "acknowledged", "cleared"]
Severity = Literal["info", "warning", "critical"]
AlarmKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
AlarmId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the alarm.", examples=[3])]


class AlarmResponse(BaseModel):
    """``state``: ``cleared`` when what it was about is over (whether or not somebody has acknowledged it), else
    ``acknowledged`` or ``open``."""

    id: int
    kind: str = Field(examples=["emergency"], description="Of what a rule raised: its measure.")
    state: AlarmState
    severity: Severity
    title_zh: str = Field(examples=["来电者紧急求助"])
    title_en: str = Field(examples=["A caller asks for help"])
    rule_id: str | None = Field(examples=["longest-wait"], description="The rule that raised it, if one did.")
    queues: list[str] | None = Field(examples=[["consultation"]], description="The queues it is about.")
    is_for_me: bool = Field(description="Whether the asker is among those whose attention the rule asks for.")
    details: dict[str, Any] = Field(
        description="Ids only; of an emergency `call_id` and `patient_id`; of a rule `subject`, `value`, `threshold`."
    )
    raised_at: datetime
    last_at: datetime = Field(description="When it occurred last.")
    occurrences: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    cleared_at: datetime | None


class AlarmMessageResponse(BaseModel):
    """A mail or webhook that told of an alarm. ``unknown``: handed over, the answer never came; not sent again."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    channel: Literal["mail", "webhook"]
    target: str = Field(examples=["duty@hospital.example"])
    state: Literal["pending", "sending", "sent", "failed", "given_up", "unknown"]
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    answer: str | None = Field(description="The last word of the other side, or ours.")
