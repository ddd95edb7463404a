"""Shapes of the work order API."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from callcenter.core.http import ApiModel
from callcenter.core.phone_numbers import masked
from callcenter.workorders.models import WorkOrder

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]
WorkOrderState = Literal["open", "taken", "closed"]
WorkOrderKind = Literal["complaint", "message"]
QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
NumberInPath = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the work order.", examples=[1001])]


class WorkOrderResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int
    kind: WorkOrderKind
    state: WorkOrderState
    call_id: str
    queue_name: str | None = Field(description="Whose work it is; null: of those who handle complaints.")
    about_agent_number: str | None = Field(description="The agent complained of, if the caller named one.")
    caller_number: str = Field(
        examples=["+86138****0001"],
        description="Masked unless the role allows or the asker has taken it; `-`: unknown.",
    )
    patient_id: UUID | None
    patient_set_by: str | None = Field(description="Who said whom it concerns; null: it follows from the call.")
    recording_file: str | None
    recording_id: int | None = Field(description="See `GET /recordings/{id}/audio`.")
    opened_at: datetime
    due_at: datetime
    note: str
    taken_at: datetime | None
    taken_by: str | None
    closed_at: datetime | None
    closed_by: str | None

    @classmethod
    def of(cls, order: WorkOrder, *, recording_id: int | None, show_number: bool) -> "WorkOrderResponse":
        values = {name: getattr(order, name) for name in cls.model_fields if name != "recording_id"}
        values["recording_id"] = recording_id
        values["caller_number"] = (order.caller_number or "-") if show_number else masked(order.caller_number)
        return cls.model_validate(values)


class WorkOrderChange(ApiModel):
    """What is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已致电家属核实。"}]})
    note: Note | None = None
    patient_id: UUID | None = Field(default=None, description="Whom it concerns.")


class WorkOrderClose(ApiModel):
    note: Note = Field(description="What the patient was answered.", examples=["已向患者致歉并说明处理结果。"])
