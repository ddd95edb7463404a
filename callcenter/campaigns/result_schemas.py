"""Shapes of what campaigns have come to."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

FileLanguage = Literal["zh", "en"]
FileForm = Literal["csv", "xlsx"]


class StandingResponse(BaseModel):
    """How far a campaign is, in contacts."""

    model_config = ConfigDict(from_attributes=True)
    campaign_id: UUID
    contacts: int
    due: int = Field(description="Waiting contacts whose time has come.")
    dialling: int
    finished: int
    reached: int = Field(description="Of the finished.")


class HourResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    start: datetime
    attempts: int
    conversations: int = Field(description="Somebody took the receiver off.")


class QuestionResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    question: str
    answers: dict[str, int] = Field(description="Contacts by what they said last.")


class ResultsResponse(BaseModel):
    """`by_status` and `by_result` count contacts, `by_outcome` counts attempts that are over."""

    model_config = ConfigDict(from_attributes=True)
    by_status: dict[str, int]
    by_result: dict[str, int]
    by_outcome: dict[str, int]
    questions: list[QuestionResponse]
    hours: list[HourResponse] = Field(description="On the campaign's clock; at most 168, those without any left out.")
