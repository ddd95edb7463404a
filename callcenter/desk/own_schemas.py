"""Shapes of an agent's own calls, figures, and what they ask for from a call."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from callcenter.callouts.do_not_call_schemas import Reason
from callcenter.calls.models import Call
from callcenter.calls.schemas import CallSummary
from callcenter.core.http import ApiModel
from callcenter.desk.models import CallDisposition, CallNote
from callcenter.desk.own_figures import OwnFigures
from callcenter.desk.record_schemas import DispositionResponse
from callcenter.queues.schemas import DidNumber, QueueName
from callcenter.workorders.schemas import CategoryCode, OpenedKind, RequestText


class OwnCallSummary(CallSummary):
    """A call that the agent talked in."""

    note: str | None
    note_version: int = Field(description="0: there is no note.")
    disposition: DispositionResponse | None = Field(description="This agent's.")

    @classmethod
    def of_own(cls, call: Call, note: CallNote | None, disposition: CallDisposition | None) -> "OwnCallSummary":
        return cls(
            **CallSummary.of(call, show_number=False).model_dump(),
            note=note.text if note else None,
            note_version=note.version if note else 0,
            disposition=DispositionResponse.model_validate(disposition) if disposition else None,
        )


class PauseSeconds(BaseModel):
    reason: str | None = Field(description="Null: logged in, but not yet available.")
    seconds: float


class OwnFiguresResponse(BaseModel):
    """offered = answered + missed + withdrawn + open. available + ringing + on_call + wrap_up + unobserved + all pauses
    = logged_in. Talk and hold are of the ledger, on_call of the agent's history."""

    start: datetime
    end: datetime
    offered: int
    answered: int
    missed: int
    withdrawn: int = Field(description="The caller left while it rang, or somebody else answered.")
    open: int
    others: int = Field(description="Calls that no queue gave: made by the agent, or passed on to them.")
    talk_seconds: float
    hold_seconds: float
    wrap_up_seconds: float
    available_seconds: float
    ringing_seconds: float
    on_call_seconds: float
    unobserved_seconds: float = Field(description="Nobody watched the PBX: not guessed.")
    paused: list[PauseSeconds]
    logged_in_seconds: float
    rated: int
    rating_sum: int
    average_rating: float | None

    @classmethod
    def of(cls, figures: OwnFigures) -> "OwnFiguresResponse":
        states = figures.states
        spans = {
            "talk": figures.talk,
            "hold": figures.hold,
            "wrap_up": states.wrap_up,
            "available": states.available,
            "ringing": states.ringing,
            "on_call": states.on_call,
            "unobserved": states.unobserved,
            "logged_in": states.logged_in,
        }
        seconds = {f"{name}_seconds": span.total_seconds() for name, span in spans.items()}
        counts = ("start", "end", "offered", "answered", "missed", "withdrawn", "open", "others", "rated", "rating_sum")
        return cls(
            **{name: getattr(figures, name) for name in counts},
            **seconds,
            paused=_pauses(dict(figures.paused)),
            average_rating=figures.average_rating,
        )


def _pauses(paused: dict[str | None, timedelta]) -> list[PauseSeconds]:
    ordered = sorted(paused.items(), key=lambda item: item[0] or "")
    return [PauseSeconds(reason=reason, seconds=span.total_seconds()) for reason, span in ordered]


class OwnCallbackRequest(ApiModel):
    """To the call's number, which the agent need not know."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"queue": "consultation"}]})
    queue: QueueName | None = Field(default=None, description="Null: the call's.")
    did: DidNumber | None = Field(default=None, description="The number of ours that is shown; null: the queue's.")
    not_before: AwareDatetime | None = Field(default=None, description="When it may be placed; null: now.")
    language: Literal["zh", "en"] | None = Field(default=None, description="Null: the call's.")
    do_not_call_confirmed: bool = False


class OwnDoNotCall(ApiModel):
    """The number, and the patient, are the call's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "患者要求勿扰"}]})
    reason: Reason
    person: bool = Field(default=False, description="The patient at whichever number, instead of the number.")
    until: AwareDatetime | None = Field(default=None, description="Null: until it is taken back.")


class OwnWorkOrderRequest(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "suggestion", "request": "希望增加周末门诊。"}]})
    kind: OpenedKind
    request: RequestText
    category: CategoryCode | None = None
    queue: QueueName | None = Field(default=None, description="Whose work it is; null: the call's.")
    patient_id: UUID | None = Field(default=None, description="Whom it concerns; null: who is shown on the call.")
