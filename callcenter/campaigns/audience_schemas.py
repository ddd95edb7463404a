"""Shapes of the API of where contacts come from: audiences, files, what would happen."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from callcenter.campaigns.audience_models import ImportState
from callcenter.campaigns.audiences import Audience
from callcenter.campaigns.models import Channel
from callcenter.core.http import ApiModel

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class AudienceBody(ApiModel):
    """Whom the campaign finds by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "audience": {"kind": "appointments", "days_ahead": 1, "booked_more_than_days_ahead": 10},
                    "at_time": "16:00",
                }
            ]
        }
    )
    audience: Audience
    at_time: TimeOfDay | None = Field(
        default=None, description="Daily, by the hospital's clock; null: only when somebody asks for it."
    )


class TriggerDayResponse(BaseModel):
    """A day that was looked at; ``finished_at`` null: it goes on."""

    model_config = ConfigDict(from_attributes=True)
    day: date
    found: int
    added: int = Field(description="New in the campaign.")
    unreachable: int = Field(description="Without a number or address for the campaign's channels.")
    started_at: datetime
    finished_at: datetime | None


class AudienceResponse(BaseModel):
    audience: Audience
    at_time: str | None
    standard: str | None = Field(description="Which shipped campaign it is; null: the hospital's own.")
    changed_at: datetime
    changed_by: str
    days: list[TriggerDayResponse] = Field(description="The last 31 that were looked at, the latest first.")


class AudienceCount(BaseModel):
    day: date
    found: int = Field(description="Whom it would find on that day, as things stand.")


class ContactProblem(BaseModel):
    """One bad cell; nothing of the row was put in."""

    line: int
    column: str
    reason: str
    text_zh: str
    text_en: str


class ContactImportResponse(BaseModel):
    """``added + existing + rejected == rows``, when it has finished."""

    id: UUID
    state: ImportState
    reason: str | None = Field(description="Of one that failed.")
    rows: int = Field(description="Read so far.")
    rows_total: int | None = Field(description="About how many there are; null: not known.")
    added: int
    existing: int = Field(description="Whose key is in the campaign already, or stood earlier in the file.")
    rejected: int
    started_at: datetime
    started_by: str
    changed_at: datetime


class ContactImportDetail(ContactImportResponse):
    problems: list[ContactProblem] = Field(description="The first 1,000; all of them are in `rejects.csv`.")


class StandardBody(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"caller_id": "8000"}]})
    caller_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")] | None = Field(
        default=None, description="The number of ours that is shown; null: the first there is."
    )


class StandardResponse(BaseModel):
    added: list[UUID] = Field(description="The campaigns that are new: drafts, all switched off.")
    standards: list[str] = Field(description="All that are shipped.")


class ForeseenResponse(BaseModel):
    contact_id: UUID
    key: str
    name: str
    decision: str = Field(description="`called`, `written`, `put_off`, `not_called`, `dialling`, `finished`.")
    reason: str = Field(description="Why not, or what puts it off; `due`: nothing.")
    at: datetime | None = Field(description="The earliest moment.")
    channel: Channel
    number: str | None


class DryRunResponse(BaseModel):
    contacts: int
    counted: int = Field(description="Contacts that the counts are of: the first 10,000.")
    by_decision: dict[str, int]
    by_reason: dict[str, int]
    items: list[ForeseenResponse]
    next_cursor: str | None
