"""Shapes of the calls API. Numbers are masked unless the asker's role allows them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from callcenter.calls.figures import QueueFigures
from callcenter.calls.models import Call
from callcenter.calls.recordings import RecordedCall
from callcenter.core.http import ApiModel
from callcenter.core.phone_numbers import masked

Direction = Literal["inbound", "outbound", "internal"]
CallOutcome = Literal["answered", "abandoned", "self_service", "not_served", "lost", "open"]
AgentNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,20}$")]
QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
QueueInPath = Annotated[QueueName, Path(description="Queue.", examples=["consultation"])]
CallId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$"),
    Path(description="Id of the call: linkedid of its first channel.", examples=["pbx1-1767600000.12"]),
]


class CallCriteria(ApiModel):
    """All that are given must hold; none: all calls the asker may see."""

    started_from: AwareDatetime | None = Field(default=None, examples=["2026-01-05T00:00:00+08:00"])
    started_to: AwareDatetime | None = Field(default=None, description="Excluded.")
    patient_id: UUID | None = None
    agent: AgentNumber | None = Field(default=None, description="Number of an agent who talked in it.")
    queue: QueueName | None = Field(default=None, description="A queue that it entered.")
    outcome: CallOutcome | None = None
    direction: Direction | None = None


class CallQuery(CallCriteria):
    """Criteria of the list. A caller's number does not stand in a URL: see `POST /calls/search`."""

    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before.")
    format: Literal["json", "csv"] | None = Field(default=None, description="Or ask by `Accept: text/csv`.")


class CallSearch(CallQuery):
    """Criteria with the caller's number, in any written form."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"caller_number": "138 0000 0001"}]})
    caller_number: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CallSummary(FromRow):
    """A line of the call detail records. All seconds are exact differences of ledger times."""

    id: str
    pbx: str
    direction: Direction
    caller_number: str = Field(examples=["+86138****0001"], description="Masked unless the role allows; `-`: unknown.")
    dialled_number: str | None
    patient_id: UUID | None
    verified: bool
    vip_grade: str | None
    agent_number: str | None
    queue_name: str | None
    state: Literal["open", "finished", "node_lost"]
    outcome: CallOutcome
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_seconds: float
    talk_seconds: float
    hold_seconds: float
    duration_seconds: float
    rating: int | None = Field(description="The caller's last mark on this call, 1 to 5.")

    @classmethod
    def of(cls, call: Call, *, show_number: bool) -> "CallSummary":
        """The call as an asker may see it; ``show_number``: the caller's number in full."""
        values = {name: getattr(call, name) for name in cls.model_fields}
        values["caller_number"] = (call.caller_number or "-") if show_number else masked(call.caller_number)
        return cls.model_validate(values)


class LegResponse(FromRow):
    uniqueid: str
    role: str
    seat_name: str | None
    agent_number: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    hangup_cause: int | None = Field(description="Q.850; 0: none was given.")


class VisitResponse(FromRow):
    """One stay in one queue."""

    number: int
    queue_name: str
    priority: int
    outcome: Literal["answered", "abandoned", "overflowed", "moved", "lost", "open"]
    reason: str | None
    entered_at: datetime
    answered_at: datetime | None
    left_at: datetime | None
    wait_seconds: float
    talk_seconds: float
    agent_number: str | None
    offers: int = Field(description="How many times an agent's phone was rung for it.")
    rating: int | None = Field(description="The caller's mark for it, 1 to 5.")


class StepResponse(FromRow):
    number: int
    at: datetime
    flow: str
    step: str
    outcome: str


Purpose = Literal["conversation", "complaint", "message", "remark"]


class RecordingResponse(FromRow):
    id: int
    file: str
    purpose: str
    agent_number: str | None = Field(description="Whose conversation it is.")
    started_at: datetime
    duration_seconds: float | None
    deleted_at: datetime | None


class RecordingQuery(ApiModel):
    """Criteria of the list; all that are given must hold."""

    started_from: AwareDatetime | None = Field(default=None, examples=["2026-01-05T00:00:00+08:00"])
    started_to: AwareDatetime | None = Field(default=None, description="Excluded.")
    purpose: Purpose | None = None
    call_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$")] | None = Field(
        default=None, description="Of this call.", examples=["pbx1-1767600000.12"]
    )
    queue: QueueName | None = Field(default=None, description="Whose message it is, or which its call entered.")
    agent: AgentNumber | None = Field(default=None, description="Number of an agent who talked in its call.")
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before.")


class RecordingSummary(BaseModel):
    """A recording; its sound: `GET /recordings/{id}/audio`."""

    id: int
    call_id: str
    purpose: Purpose
    queue_name: str | None = Field(description="Whose message it is, or of which queue the conversation; null: none's.")
    patient_id: UUID | None
    agent_number: str | None = Field(description="Whose conversation it is; else who talked last in the call.")
    rating: int | None = Field(description="The caller's mark on this call, 1 to 5.")
    started_at: datetime
    measured_at: datetime | None = Field(description="Null: the call goes on, or is just over.")
    bytes: int | None = Field(description="Null though measured: there is no sound.")
    duration_seconds: float | None
    deleted_at: datetime | None
    stored_at: datetime | None = Field(description="Since when it is kept encrypted, and can be shown as a waveform.")
    channels: int | None = Field(description="2: caller left, agent right. 1: the caller, or both mixed.")
    sha256: str | None = Field(description="Checksum of the whole WAV.")
    is_cut: bool = Field(description="Asterisk was stopped while it recorded: the end is missing.")
    is_held: bool = Field(description="It is not deleted in its time.")

    @classmethod
    def of(cls, row: RecordedCall) -> "RecordingSummary":
        values = {name: getattr(row.recording, name, None) for name in cls.model_fields}
        call, stored = row.call, row.stored
        agent_number = row.recording.agent_number or call.agent_number
        values |= {"patient_id": call.patient_id, "agent_number": agent_number, "rating": call.rating}
        values |= {name: getattr(stored, name, None) for name in ("stored_at", "channels", "sha256")}
        values |= {"is_cut": stored is not None and stored.is_cut, "is_held": row.is_held}
        return cls.model_validate(values)


class WaveformResponse(FromRow):
    """The loudest of each stretch, 0 to 255; one series a side (`caller`, `agent`, or `both` for one channel)."""

    duration_seconds: float
    is_cut: bool
    sides: dict[str, list[int]] = Field(examples=[{"caller": [0, 12, 90], "agent": [80, 3, 0]}])


class HoldReason(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "医疗纠纷，案号 2026-17"}]})
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class HoldResponse(FromRow):
    """A legal hold; `released_at` null: it holds."""

    reason: str
    placed_at: datetime
    placed_by: str
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


class TimelineResponse(FromRow):
    at: datetime
    kind: str = Field(examples=["queue_entered"])
    text_zh: str
    text_en: str


class CallDetail(CallSummary):
    """A call from ring to hang-up; `timeline` tells it in order."""

    flow: str | None
    flow_revision: str | None
    language: str | None
    hung_up_by: Literal["caller", "agent", "pbx"] | None
    hangup_cause: int | None
    legs: list[LegResponse]
    visits: list[VisitResponse]
    steps: list[StepResponse]
    recordings: list[RecordingResponse]
    timeline: list[TimelineResponse]


class FiguresResponse(BaseModel):
    """offered = answered + abandoned + overflowed + moved + lost + open."""

    queue_name: str
    start: datetime
    end: datetime
    offered: int
    answered: int
    abandoned: int
    overflowed: int
    moved: int
    lost: int
    open: int
    short_abandoned: int = Field(description="Of the abandoned, those within the short-abandon limit.")
    answered_in_time: int = Field(description="Of the answered, those within the service-level limit.")
    service_level_seconds: int
    short_abandon_seconds: int
    service_level: float | None = Field(description="answered_in_time / (offered - short_abandoned).", examples=[0.83])
    average_wait_seconds: float | None
    longest_wait_seconds: float
    average_talk_seconds: float | None
    rated: int = Field(description="Visits for which the caller gave a mark.")
    rating_sum: int = Field(description="Sum of these marks.")
    average_rating: float | None

    @classmethod
    def of(cls, figures: QueueFigures, **about: Any) -> "FiguresResponse":
        """``about``: queue_name, start, end and the two limits."""
        return cls(**{name: getattr(figures, name) for name in cls.model_fields if name not in about}, **about)


class RatingRow(FromRow):
    """The marks of one agent in one queue."""

    queue_name: str
    agent_number: str | None = Field(description="Null: it is not known who answered.")
    rated: int
    rating_sum: int
    average_rating: float


class RatingsResponse(BaseModel):
    """Over the agents of a queue, `rated` and `rating_sum` add up to those of the queue's figures."""

    start: datetime
    end: datetime
    rows: list[RatingRow]
