"""Shapes of the queues API."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from callcenter.asterisk.render import RESERVED_QUEUES
from callcenter.core.http import ApiModel


def _not_reserved(name: str) -> str:
    if name in RESERVED_QUEUES:
        raise PydanticCustomError("reserved_name", "a section of queues.conf")
    return name


QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$"), AfterValidator(_not_reserved)]
DidNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Strategy = Literal["ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom"]


class QueuePut(ApiModel):
    """All values of a queue. Times in seconds; ``capacity`` 0: no limit."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label_zh": "咨询", "label_en": "Consultation"}]})
    label_zh: Label
    label_en: Label
    strategy: Strategy = "leastrecent"
    ring_seconds: Annotated[int, Field(ge=3, le=120)] = 15
    retry_seconds: Annotated[int, Field(ge=1, le=30)] = 1
    wrap_up_seconds: Annotated[int, Field(ge=0, le=1800)] = 10
    max_wait_seconds: Annotated[int, Field(ge=10, le=7200)] = 600
    capacity: Annotated[int, Field(ge=0, le=10_000)] = 0
    service_level_seconds: Annotated[int, Field(ge=1, le=600)] = 20
    short_abandon_seconds: Annotated[int, Field(ge=0, le=120)] = 5
    announce_position: bool = True
    announce_every_seconds: Annotated[int, Field(ge=15, le=600)] = 30
    active: bool = True


class QueueResponse(QueuePut):
    model_config = ConfigDict(from_attributes=True)
    name: str = Field(examples=["consultation"])


class MemberPut(ApiModel):
    penalty: Annotated[int, Field(ge=0, le=100)] = 0


class MemberResponse(ApiModel):
    agent_number: str = Field(examples=["1001"])
    display_name: str = Field(examples=["李娜"])
    penalty: int = Field(description="Lower is rung first.")


class WaitingResponse(ApiModel):
    """Who waits now; live, never counted."""

    model_config = ConfigDict(from_attributes=True)
    uniqueid: str = Field(examples=["pbx1-1763754631.12"])
    caller_number: str | None = Field(examples=["138****"], description="Masked.")
    position: int
    joined_at: datetime


class DidPut(ApiModel):
    label_zh: Label = Field(examples=["服务热线"])
    label_en: Label = Field(examples=["Hotline"])
    fallback_queue: QueueName = Field(
        examples=["consultation"], description="Where callers go when nothing of the service answers."
    )
    language: Literal["zh", "en"] = "zh"


class DidResponse(DidPut):
    model_config = ConfigDict(from_attributes=True)
    number: str = Field(examples=["8000"])
