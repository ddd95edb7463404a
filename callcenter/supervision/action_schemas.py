"""Bodies and answers of what supervisors do."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from callcenter.agents.schemas import AgentNumber, Code, SeatName
from callcenter.core.http import ApiModel
from callcenter.queues.schemas import DidNumber, QueueName
from callcenter.supervision.models import Mode

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
SpokenText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class CommandAccepted(BaseModel):
    """What Asterisk was told; `GET /supervision/commands/{command_id}` says what came of it."""

    command_id: int = Field(examples=[4711])


class CommandResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    action: str = Field(examples=["listen"])
    state: str = Field(examples=["done"], description="`pending`, `sent`, `done`, `failed` or `unknown`.")
    answer: str | None
    created_at: datetime
    finished_at: datetime | None


class SeatOfSupervisor(ApiModel):
    seat: SeatName | None = Field(
        default=None, examples=[None], description="Whose telephone rings; without it the seat where the asker sits."
    )


class ListeningPut(SeatOfSupervisor):
    mode: Mode = Field(default=Mode.LISTEN, examples=["whisper"])


class MoveTo(ApiModel):
    queue: QueueName = Field(examples=["complaint"])


class StateForced(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"wanted": "paused", "reason": "lunch"}]})
    wanted: Literal["logged_out", "available", "paused"] = Field(examples=["paused"])
    reason: Code | None = Field(default=None, examples=["lunch"], description="A code of /pause-reasons; to pause.")

    @model_validator(mode="after")
    def _reason_belongs_to_pause(self) -> Self:
        if (self.wanted == "paused") != (self.reason is not None):
            raise ValueError("paused needs a reason, and nothing else has one")
        return self


class MemberOf(ApiModel):
    """``until``: ``today`` until the hospital's midnight, then as it was before."""

    member: bool = Field(examples=[True])
    penalty: Annotated[int, Field(ge=0, le=100)] = 0
    until: Literal["today", "always"] = "today"


class MessageTo(ApiModel):
    """To ``agent``; or to all who are logged in and serve ``queue``; or, with neither, to all whom the asker steers."""

    text: Text = Field(examples=["三点开会。"])
    agent: AgentNumber | None = Field(default=None, examples=[None])
    queue: QueueName | None = Field(default=None, examples=["consultation"])

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.agent is not None and self.queue is not None:
            raise ValueError("one agent or one queue")
        return self


class MessageSent(BaseModel):
    recipients: int = Field(description="Agents at whose desks it stands.")


class QueueOpeningPut(ApiModel):
    open: bool = Field(examples=[False])


class QueueOpeningResponse(BaseModel):
    queue: str = Field(examples=["consultation"])
    closed_at: datetime | None
    closed_by: str | None


class AnnouncementStart(ApiModel):
    """Played to callers first: of one number, one queue, or all."""

    number: DidNumber | None = Field(default=None, examples=[None])
    queue: QueueName | None = Field(default=None, examples=["consultation"])
    text_zh: SpokenText = Field(examples=["因系统故障，目前无法预约。"])
    text_en: SpokenText = Field(examples=["Because of a fault no appointments can be made now."])

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.number is not None and self.queue is not None:
            raise ValueError("one number or one queue")
        return self


class AnnouncementResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    scope: str = Field(examples=["queue"], description="`all`, `number` or `queue`.")
    name: str = Field(examples=["consultation"])
    text_zh: str
    text_en: str
    slot: str = Field(description="For `POST /spoken-texts/recordings`: an own recording instead of the spoken text.")
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    ended_by: str | None
