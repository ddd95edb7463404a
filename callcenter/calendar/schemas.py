"""Shapes of the calendar API. Days and minutes are by the hospital's clock, ``*_at`` are instants with an offset."""

from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints

from callcenter.calendar.policy import DayKind, State
from callcenter.calendar.public_days import Source
from callcenter.calendar.spans import DAY_MINUTES, Span
from callcenter.core.http import ApiModel

FIRST_YEAR, LAST_YEAR = 2000, 2099
_MAX_SPANS = 24
_MAX_ANNOUNCEMENT = 500
"""Characters; two minutes of Mandarin are as long as anybody listens."""


def _in_range(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR} is expected")
    return value


ScheduleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
ScheduleNameInPath = Annotated[ScheduleName, Path(examples=["office"])]
Day = Annotated[date, AfterValidator(_in_range)]
DayInPath = Annotated[Day, Path(examples=["2026-10-01"])]
DayInQuery = Annotated[Day | None, Query(examples=["2026-10-01"])]
Instant = Annotated[AwareDatetime, AfterValidator(_in_range)]
InstantInQuery = Annotated[Instant | None, Query(description="With an offset; now, if left out.")]
YearInPath = Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR, examples=[2026])]
Weekday = Annotated[int, Field(ge=1, le=7, description="1 Monday to 7 Sunday.")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
FilledLabel = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Announcement = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_ANNOUNCEMENT)]


class SpanBody(ApiModel):
    """Open from one minute of the day on, until before another."""

    model_config = ConfigDict(from_attributes=True)

    opens_minute: int = Field(ge=0, lt=DAY_MINUTES, description="Minutes after midnight.", examples=[480])
    closes_minute: int = Field(gt=0, le=DAY_MINUTES, description="1440 is the day's end.", examples=[1050])


def _in_order(spans: list[SpanBody]) -> list[SpanBody]:
    """Past midnight is two spans on two days; what overlaps is a slip."""
    ordered = sorted(spans, key=lambda span: span.opens_minute)
    if any(span.opens_minute >= span.closes_minute for span in ordered):
        raise ValueError("a span must open before it closes; over midnight it is two spans on two days")
    if any(later.opens_minute < earlier.closes_minute for earlier, later in pairwise(ordered)):
        raise ValueError("spans of one day overlap")
    return ordered


SpansBody = Annotated[
    list[SpanBody],
    Field(max_length=_MAX_SPANS, description="None: closed all day."),
    AfterValidator(_in_order),
]


class HoursBody(ApiModel):
    """Each day's open times; a day left out is closed."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "monday": [
                        {"opens_minute": 480, "closes_minute": 720},
                        {"opens_minute": 810, "closes_minute": 1050},
                    ],
                    "saturday": [{"opens_minute": 480, "closes_minute": 720}],
                }
            ]
        },
    )

    monday: SpansBody = []
    tuesday: SpansBody = []
    wednesday: SpansBody = []
    thursday: SpansBody = []
    friday: SpansBody = []
    saturday: SpansBody = []
    sunday: SpansBody = []
    public_holiday: SpansBody = []


class SchedulePut(ApiModel):
    label_zh: FilledLabel = Field(examples=["人工服务"])
    label_en: Label = Field(default="", examples=["Office hours"])
    hours: HoursBody
    makeup_weekday: Weekday = Field(
        default=1, description="Whose hours a make-up workday (调休) has: 1 Monday to 7 Sunday."
    )


class ScheduleResponse(SchedulePut):
    name: str = Field(examples=["office"])


class OpeningResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)

    state: State
    next_open_at: datetime | None = Field(description="Null when it is open, and when nobody can say.")
    closure_id: UUID | None


class SpecialDayPut(ApiModel):
    spans: SpansBody = Field(default=[], examples=[[{"opens_minute": 480, "closes_minute": 720}]])
    reason_zh: FilledLabel = Field(examples=["院庆"])
    reason_en: Label = Field(default="", examples=["Anniversary"])


class SpecialDayResponse(SpecialDayPut):
    model_config = ConfigDict(from_attributes=True)
    day: date


class HospitalDayPut(ApiModel):
    kind: DayKind = Field(
        description="`holiday`; `workday`: a make-up one (调休); `ordinary`: as its weekday, whatever the list says."
    )
    counts_as: Weekday | None = Field(
        default=None, description="Of a workday: whose weekday's hours it has; null: as each schedule says."
    )
    name_zh: FilledLabel = Field(examples=["国庆节调休"])
    name_en: Label = Field(default="", examples=["Make-up workday"])


class CalendarDayResponse(ApiModel):
    """A day that is not as its weekday."""

    day: date
    kind: DayKind
    counts_as: int | None
    name_zh: str
    name_en: str
    origin: Literal["list", "hospital"] = Field(description="Who says so: the published list, or the staff.")


class CalendarYearResponse(ApiModel):
    year: int
    list_source: Source = Field(
        description="`preliminary`: this year's list is not published, or not installed here; statutory days only."
    )
    days: list[CalendarDayResponse]


class ClosureCreate(ApiModel):
    schedule_name: ScheduleName | None = Field(default=None, description="Null: all schedules.", examples=["office"])
    announcement_zh: Announcement = Field(examples=["因系统故障，人工服务暂停，预计今天下午三点恢复。"])
    announcement_en: Announcement = Field(examples=["Our service is interrupted until about three this afternoon."])
    until_at: Instant | None = Field(default=None, description="When it ends by itself; null: when it is ended.")


class ClosureResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    schedule_name: str | None
    announcement_zh: str
    announcement_en: str
    started_at: datetime
    started_by: str
    until_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None


def spans_of(bodies: list[SpanBody]) -> tuple[Span, ...]:
    """As the rules know them."""
    return tuple(Span(body.opens_minute, body.closes_minute) for body in bodies)
