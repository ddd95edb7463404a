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
WorkOrderState = Literal["open", "closed"]
NumberInPath = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the work order.", examples=[1001])]


class WorkOrderResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int
    kind: Literal["complaint"]
    state: WorkOrderState
    call_id: str
    caller_number: str = Field(examples=["+86138****0001"], description="Masked unless the role allows; `-`: unknown.")
    patient_id: UUID | None
    patient_set_by: str | None = Field(description="Who said whom it concerns; null: it follows from the call.")
    recording_file: str | None
    opened_at: datetime
    due_at: datetime
    note: str
    closed_at: datetime | None
    closed_by: str | None

    @classmethod
    def of(cls, order: WorkOrder, *, show_number: bool) -> "WorkOrderResponse":
        values = {name: getattr(order, name) for name in cls.model_fields}
        values["caller_number"] = (order.caller_number or "-") if show_number else masked(order.caller_number)
        return cls.model_validate(values)


class WorkOrderChange(ApiModel):
    """What is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已致电家属核实。"}]})
    note: Note | None = None
    patient_id: UUID | None = Field(default=None, description="Whom it concerns.")


class WorkOrderClose(ApiModel):
    note: Note = Field(description="What the patient was answered.", examples=["已向患者致歉并说明处理结果。"])
