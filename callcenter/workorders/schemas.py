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
WorkOrderKind = Literal["complaint", "message", "suggestion", "compliment", "question", "task"]
OpenedKind = Literal["complaint", "suggestion", "compliment", "question", "task"]
"""Messages come from callers only."""
RequestText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]
CategoryCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
CategoryInPath = Annotated[CategoryCode, Path(description="Code of the category.", examples=["waiting_time"])]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
CallIdText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
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
    category: str | None
    request: str = Field(description="What is wanted, if a person opened it.")
    opened_by: str | None = Field(description="Null: it follows from the call.")
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


class WorkOrderOpen(ApiModel):
    """About a call that the asker may see."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "suggestion", "call_id": "pbx1-1767600000.12", "request": "希望增加周末门诊。"}]
        }
    )
    kind: OpenedKind
    call_id: CallIdText
    request: RequestText
    category: CategoryCode | None = None
    queue: QueueName | None = Field(default=None, description="Whose work it is; null: the call's.")
    patient_id: UUID | None = Field(default=None, description="Whom it concerns; null: it follows from the call.")


class CategoryPut(ApiModel):
    label_zh: Label = Field(examples=["候诊时间"])
    label_en: Label = Field(examples=["Waiting time"])
    parent: CategoryCode | None = Field(default=None, description="The category it is a part of.")
    active: bool = True


class CategoryResponse(CategoryPut):
    model_config = ConfigDict(from_attributes=True)
    code: str
