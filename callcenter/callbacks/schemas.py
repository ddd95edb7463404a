"""Shapes of the call-backs API."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from callcenter.callbacks.models import Callback, CallbackAttempt
from callcenter.callbacks.policy import Rules
from callcenter.callbacks.service import CallbackFigures
from callcenter.core.http import ApiModel
from callcenter.core.phone_numbers import masked
from callcenter.queues.schemas import DidNumber, QueueName

State = Literal["waiting", "queued", "dialling", "completed", "failed", "expired", "cancelled", "unknown"]
CallbackId = Annotated[UUID, Path(description="Id of the call-back.")]
QueueInPath = Annotated[QueueName, Path(description="Queue.", examples=["consultation"])]
Number = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)]


class CallbackRequest(ApiModel):
    """A member of staff promises a patient to call."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"queue": "consultation", "number": "13800000001", "language": "zh"}]}
    )
    queue: QueueName
    number: Number = Field(description="Mobile or landline of this country, or what the hospital allows beyond.")
    patient_id: UUID | None = None
    language: Literal["zh", "en"] = "zh"
    did: DidNumber | None = Field(default=None, description="The number of ours that is shown; null: the queue's.")
    not_before: AwareDatetime | None = Field(
        default=None, description="When it may be placed; null: now. The place in the queue is as of then."
    )
    do_not_call_confirmed: bool = Field(
        default=False, description="The number is on the do-not-call list (409 `do-not-call`); call all the same."
    )


class RulesBody(ApiModel):
    """What a queue grants to who asks for a call-back from now on."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"active": True, "expiry_seconds": 14400, "max_open": 100}]},
    )
    active: bool
    expiry_seconds: int = Field(ge=300, le=7 * 86_400, description="How long after the request a patient is called.")
    max_open: int = Field(ge=1, le=10_000, description="Open call-backs at once.")

    def rules(self) -> Rules:
        return Rules(self.active, self.expiry_seconds, self.max_open)


class CallbackSummary(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    queue_name: str
    number: str = Field(examples=["+86138****0001"], description="Masked unless the role allows.")
    patient_id: UUID | None
    language: str
    did: str
    call_id: str | None = Field(description="The call in which it was asked for.")
    requested_by: str | None = Field(description="The member of staff who asked for it.")
    state: State
    reason: str | None
    tries: int = Field(description="How often the patient was dialled.")
    next_attempt_at: datetime
    requested_at: datetime
    expires_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, callback: Callback, *, show_number: bool) -> "CallbackSummary":
        return cls.model_validate(_values(cls, callback, show_number=show_number))


class AttemptResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="Also the id of its call.")
    number: int
    outcome: str | None = Field(description="Null while it is not over.")
    placed_at: datetime
    claimed_at: datetime | None
    dialled_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    agent_number: str | None
    dial_status: str | None
    hangup_cause: int | None


class CallbackDetail(CallbackSummary):
    attempts: list[AttemptResponse] = []

    @classmethod
    def with_attempts(
        cls, callback: Callback, attempts: list[CallbackAttempt], *, show_number: bool
    ) -> "CallbackDetail":
        values = _values(CallbackSummary, callback, show_number=show_number)
        return cls.model_validate(
            values | {"attempts": [AttemptResponse.model_validate(attempt) for attempt in attempts]}
        )


class CallbackFiguresResponse(BaseModel):
    """requested = waiting + completed + failed + expired + cancelled + unknown."""

    queue_name: str
    start: datetime
    end: datetime
    requested: int
    waiting: int = Field(description="Not over yet: waiting, queued or dialling.")
    completed: int
    failed: int
    expired: int
    cancelled: int
    unknown: int

    @classmethod
    def of(
        cls, figures: CallbackFigures, *, queue_name: str, start: datetime, end: datetime
    ) -> "CallbackFiguresResponse":
        return cls(
            queue_name=queue_name,
            start=start,
            end=end,
            requested=figures.requested,
            waiting=figures.waiting,
            completed=figures.completed,
            failed=figures.failed,
            expired=figures.expired,
            cancelled=figures.cancelled,
            unknown=figures.unknown,
        )


def _values(shape: type[BaseModel], callback: Callback, *, show_number: bool) -> dict[str, object]:
    values = {name: getattr(callback, name) for name in shape.model_fields if name != "number"}
    return values | {"number": callback.e164 if show_number else masked(callback.e164)}
