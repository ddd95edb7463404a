"""Shapes of the live board."""

from datetime import datetime

from pydantic import BaseModel, Field

from callcenter.supervision.models import Mode


class FiguresOfVisits(BaseModel):
    """Of the queue visits that entered in a span; the definitions are those of `GET /queues/{name}/figures`."""

    offered: int
    answered: int
    abandoned: int
    service_level: float | None = Field(description="Between 0 and 1; null when nothing counts yet.")


class AgentCounts(BaseModel):
    """What the members of a queue do now; who is logged out is not counted. Available: idle and wrap_up."""

    idle: int
    ringing: int
    on_call: int
    wrap_up: int
    paused: int


class QueueRow(BaseModel):
    name: str = Field(examples=["consultation"])
    label_zh: str
    label_en: str
    opening: str = Field(
        examples=["open"],
        description="`open`, `outside_hours`, `holiday`, `special_day`, `closure`, `closed_by_supervisor`, "
        "`switched_off`.",
    )
    closed_at: datetime | None
    closed_by: str | None
    waiting: int
    waiting_since: datetime | None = Field(description="When the caller joined who waits longest.")
    expected_wait_seconds: int | None = Field(description="Of who joins now; null: nobody knows.")
    service_level_seconds: int
    agents: AgentCounts
    today: FiguresOfVisits
    last_30_minutes: FiguresOfVisits


class WaitingRow(BaseModel):
    """A caller who waits, in the order in which they are served. What is not verified is a hint."""

    uniqueid: str = Field(examples=["pbx1-1763754631.12"])
    queue: str = Field(examples=["consultation"])
    name: str | None = Field(examples=["张*"], description="Masked.")
    number: str | None = Field(examples=["138****"], description="Masked.")
    vip_grade: str | None = Field(examples=["gold"])
    verified: bool
    is_callback: bool = Field(description="A place that is kept for somebody who will be called back.")
    priority: int = Field(description="The highest in a queue is served first.")
    joined_at: datetime


class AgentRow(BaseModel):
    number: str = Field(examples=["1001"])
    name: str = Field(examples=["李娜"])
    wanted: str = Field(examples=["available"])
    pause_reason: str | None
    wanted_since: datetime
    activity: str = Field(examples=["on_call"])
    activity_since: datetime
    call_id: str | None = Field(examples=["pbx1-1763754631.12"])
    queue: str | None = Field(description="Of the call.")
    call_state: str | None = Field(
        examples=["talking"], description="`ringing`, `talking`, `held`, `consulting`, `conference`."
    )
    direction: str | None = Field(examples=["inbound"])
    queues: list[str] = Field(description="Which queues the agent serves.")
    seat: str | None = Field(examples=["seat-rose"])
    registered: bool = Field(description="Whether the seat's telephone is there.")
    listener: str | None = Field(description="Who listens to the conversation.")
    mode: Mode | None


class MenuRow(BaseModel):
    """A call that is with the flow: in no queue, with no agent."""

    call_id: str = Field(examples=["pbx1-1763754631.12"])
    name: str | None = Field(examples=["张*"], description="Masked.")
    number: str | None = Field(examples=["138****"], description="Masked.")
    vip_grade: str | None
    verified: bool
    dialled_number: str | None = Field(examples=["8000"])
    queue: str | None = Field(description="To which the dialled number falls back: who may see the call.")
    flow: str | None = Field(examples=["main"])
    step: str | None = Field(examples=["greet"], description="The last that was finished.")
    step_at: datetime | None
    started_at: datetime


class AlarmRow(BaseModel):
    """One that nobody has acknowledged."""

    id: int
    kind: str
    severity: str
    queues: list[str] | None = Field(description="Whose alarm it is; null: everybody's.")
    raised_at: datetime
    last_at: datetime
    occurrences: int
    cleared_at: datetime | None


class TrunkRow(BaseModel):
    name: str = Field(examples=["pbx1"])
    in_use: int = Field(description="Channels of the telephone network that are up.")
    channels: int | None = Field(description="That there are (`CALLCENTER_TRUNK_CHANNELS`); null: not told.")


class BoardResponse(BaseModel):
    """Everything the asker may see; each table has a key: name, uniqueid, number, call_id, id, name."""

    queues: list[QueueRow]
    waiting: list[WaitingRow]
    agents: list[AgentRow]
    menus: list[MenuRow]
    alarms: list[AlarmRow]
    trunks: list[TrunkRow]
