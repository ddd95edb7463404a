"""Shapes of the do-not-call list's API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from callcenter.callouts.models import DoNotCallEntry
from callcenter.core.http import ApiModel
from callcenter.core.phone_numbers import masked

RawNumber = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
CallIdText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]


class DoNotCallWish(ApiModel):
    """Of whom stands in the path."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "患者要求勿扰"}]})
    reason: Reason
    until: AwareDatetime | None = Field(default=None, description="Null: until it is taken back.")
    call_id: CallIdText | None = Field(default=None, description="The call on which it was asked for.")


class DoNotCallAdd(DoNotCallWish):
    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "138 0000 0001", "reason": "患者要求勿扰"}]})
    number: RawNumber = Field(description="In any written form.")


class DoNotCallSearch(ApiModel):
    """Neither number nor patient: the whole list. In a body, so that no URL holds it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "138 0000 0001"}]})
    number: RawNumber | None = None
    patient_id: UUID | None = None
    with_removed: bool = Field(default=False, description="Also what was taken back or is over.")
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _one_of_them(self) -> "DoNotCallSearch":
        if self.number is not None and self.patient_id is not None:
            raise ValueError("search by number or by patient")
        return self


class DoNotCallRemove(ApiModel):
    reason: Reason = Field(examples=["患者同意接听回访电话"])


class DoNotCallResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: str | None = Field(
        examples=["+86138****0001"],
        description="Masked unless the role allows. Null: it is a person.",
    )
    patient_id: UUID | None = Field(description="The person. Null: it is a number.")
    reason: str
    call_id: str | None
    added_at: datetime
    added_by: str
    until: datetime | None
    removed_at: datetime | None
    removed_by: str | None
    removal_reason: str | None
    counts: bool = Field(description="Whether the number, or the person, is not called now.")

    @classmethod
    def of(cls, entry: DoNotCallEntry, *, at: datetime, show_number: bool) -> "DoNotCallResponse":
        values = {name: getattr(entry, name) for name in cls.model_fields if name not in {"number", "counts"}}
        is_over = entry.removed_at is not None or (entry.until is not None and entry.until <= at)
        number = entry.e164 if show_number or entry.e164 is None else masked(entry.e164)
        return cls(**values, number=number, counts=not is_over)
