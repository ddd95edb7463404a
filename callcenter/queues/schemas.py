"""Shapes of the queues API."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from callcenter.asterisk.queue_names import is_ours_alone
from callcenter.asterisk.render import RESERVED_QUEUES
from callcenter.core.http import ApiModel


def _not_reserved(name: str) -> str:
    if name in RESERVED_QUEUES or is_ours_alone(name):
        raise PydanticCustomError("reserved_name", "a section of queues.conf")
    return name


def _each_once(keys: str) -> str:
    if len(set(keys)) != len(keys):
        raise PydanticCustomError("key_twice", "a key stands there twice")
    return keys


QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$"), AfterValidator(_not_reserved)]
DidNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
ExitKeys = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,10}$"), AfterValidator(_each_once)]
PromptId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Strategy = Literal["ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom"]


class QueuePut(ApiModel):
    """All values of a queue. Times in seconds; ``capacity`` 0: no limit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label_zh": "咨询",
                    "label_en": "Consultation",
                    "exit_keys": "12",
                    "comfort_prompts": ["queue_callback_offer", "queue_comfort"],
                    "last_agent_first": True,
                }
            ]
        }
    )
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
    announce_wait: bool = Field(default=True, description="Say the expected wait, once.")
    comfort_prompts: Annotated[list[PromptId], Field(min_length=1, max_length=5)] = Field(
        default=["queue_comfort"], description="Played in turn while callers wait: ids of prompts."
    )
    comfort_every_seconds: Annotated[int, Field(ge=0, le=600)] = Field(default=45, description="0: never.")
    schedule_name: str | None = Field(
        default=None, max_length=40, description="Opening hours; none: always open.", examples=[None]
    )
    overflow_to: QueueName | None = Field(
        default=None,
        description="Where callers go on waiting, their place kept, when this queue is full, over or empty.",
        examples=[None],
    )
    exit_keys: ExitKeys = Field(default="", description="Digits by which a waiting caller leaves the queue.")
    last_agent_first: bool = Field(default=False, description="Try whoever last talked with the caller first.")
    last_agent_seconds: Annotated[int, Field(ge=3, le=60)] = 8
    last_agent_days: Annotated[int, Field(ge=1, le=3650)] = 90
    excludes_complained_agent: bool = Field(
        default=False, description="An agent complained of on a call is not offered that call."
    )
    max_missed_calls: Annotated[int, Field(ge=0, le=20)] = Field(
        default=3, description="An agent who lets so many calls in a row ring out is paused; 0: never."
    )
    skill: Annotated[str | None, Field(max_length=40)] = Field(
        default=None,
        description="A code of /skills: the better at it, the earlier an agent is rung.",
        examples=[None],
    )
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
