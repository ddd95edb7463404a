"""Shapes of the workload report."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field

from callcenter.agents.schemas import AgentNumber
from callcenter.calls.schemas import QueueName
from callcenter.core.http import ApiModel
from callcenter.reports.intervals import Interval
from callcenter.reports.service import WorkloadRow

Grouping = Literal["agent", "queue", "agent,queue", "none"]
Format = Literal["json", "csv", "xlsx"]
Language = Literal["zh", "en"]

NOT_YET_AVAILABLE = "-"
"""Stands for the reason of an agent who has logged in and was not yet available."""

Seconds = Annotated[float, Field(ge=0, description="Exact to the microsecond.")]


class WorkloadQuery(ApiModel):
    """Period, intervals and what to group by."""

    start: AwareDatetime = Field(alias="from", examples=["2026-01-05T00:00:00+08:00"])
    end: AwareDatetime = Field(alias="until", description="Excluded.", examples=["2026-01-06T00:00:00+08:00"])
    interval: Interval = Field(
        default=Interval.DAY,
        description="By the hospital's own clock; `period`: the whole of it is one. The first and the last may be cut.",
    )
    group: Grouping = "agent"
    agent: AgentNumber | None = Field(default=None, description="Only this agent.")
    queue: QueueName | None = Field(default=None, description="Only who is a member of this queue now.")
    limit: int = Field(default=100, ge=1, le=500, description="Rows per page of JSON; a file has them all.")
    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before.")
    format: Format | None = Field(default=None, description="Or ask by `Accept`.")
    language: Language | None = Field(default=None, description="Of a file's headings, or ask by `Accept-Language`.")


class WorkloadRowResponse(BaseModel):
    """`logged_in_seconds` = available + paused + ringing + talk + hold + wrap_up + unobserved.

    `unobserved`: nobody watched the PBX, so what the agent did is not known. offered = answered + missed + withdrawn +
    still ringing; a call counts in the interval in which the agent's telephone began to ring, a mark in the one in
    which the call was answered.
    """

    start: datetime
    end: datetime
    agent_number: str | None = Field(description="Null unless grouped by agent.")
    display_name: str | None
    queue_name: str | None = Field(
        description="Grouped by queue: whose calls these were; null: what is of no queue, such as being available."
    )
    logged_in_seconds: Seconds
    available_seconds: Seconds
    paused_seconds: Seconds
    paused_seconds_by_reason: dict[str, float] = Field(
        description=f"Their sum is `paused_seconds`; `{NOT_YET_AVAILABLE}`: logged in, not yet available."
    )
    ringing_seconds: Seconds
    talk_seconds: Seconds
    hold_seconds: Seconds
    wrap_up_seconds: Seconds
    unobserved_seconds: Seconds
    offered: int
    answered: int
    missed: int = Field(description="Rang out, or was refused.")
    withdrawn: int = Field(description="The caller hung up meanwhile, or somebody else answered.")
    transferred: int
    rated: int
    average_rating: float | None
    work_orders_taken: int
    work_orders_closed: int

    @classmethod
    def of(cls, row: WorkloadRow, zone: ZoneInfo) -> "WorkloadRowResponse":
        sums = row.sums
        return cls(
            start=row.start.astimezone(zone),
            end=row.end.astimezone(zone),
            agent_number=row.person.number if row.person else None,
            display_name=row.person.display_name if row.person else None,
            queue_name=row.queue_name,
            logged_in_seconds=sums.logged_in.total_seconds(),
            available_seconds=sums.available.total_seconds(),
            paused_seconds=sum(sums.paused.values(), timedelta()).total_seconds(),
            paused_seconds_by_reason={
                reason or NOT_YET_AVAILABLE: lasted.total_seconds() for reason, lasted in sorted_reasons(sums.paused)
            },
            ringing_seconds=sums.ringing.total_seconds(),
            talk_seconds=sums.talk.total_seconds(),
            hold_seconds=sums.hold.total_seconds(),
            wrap_up_seconds=sums.wrap_up.total_seconds(),
            unobserved_seconds=sums.unobserved.total_seconds(),
            offered=sums.offered,
            answered=sums.answered,
            missed=sums.missed,
            withdrawn=sums.withdrawn,
            transferred=sums.transferred,
            rated=sums.rated,
            average_rating=sums.average_rating,
            work_orders_taken=sums.work_orders_taken,
            work_orders_closed=sums.work_orders_closed,
        )


def sorted_reasons(paused: dict[str | None, timedelta]) -> list[tuple[str | None, timedelta]]:
    return sorted(paused.items(), key=lambda item: item[0] or "")


class WorkloadResponse(BaseModel):
    """By interval, agent and queue; rows without anything are left out."""

    start: datetime
    end: datetime
    interval: Interval
    group: Grouping
    time_zone: str = Field(examples=["Asia/Shanghai"])
    items: list[WorkloadRowResponse]
    next_cursor: str | None = Field(default=None, description="Pass as `cursor` for the next page; null at the end.")
