"""Shapes of the quality API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from callcenter.core.http import ApiModel
from callcenter.quality.sheets import Answer, Key, Sheet

SheetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
AgentNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,20}$")]
QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Comment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Answers = Annotated[dict[Key, Answer], Field(max_length=1000)]

_ANSWERS: JsonDict = {"greeting": "yes", "patience": 4, "spelling": "na"}


class SheetResponse(BaseModel):
    """One version of a score sheet."""

    model_config = ConfigDict(from_attributes=True)
    name: str = Field(examples=["service"])
    version: int
    content: Sheet
    created_at: datetime
    created_by: str


class ScorePost(ApiModel):
    """By the newest version of the sheet; each question needs an answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"recording_id": 17, "sheet": "service", "answers": _ANSWERS, "comment": "很有耐心。"}]
        }
    )
    recording_id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    sheet: SheetName
    answers: Answers
    comment: Comment = ""


class ScorePut(ApiModel):
    """By the version of the sheet that it was scored by."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answers": _ANSWERS, "comment": "很有耐心。", "reason": "复核后更正"}]}
    )
    answers: Answers
    comment: Comment = ""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ScoreReply(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "当时系统卡顿，已向患者说明。"}]})
    text: Said


class ScoreSummary(BaseModel):
    """A score as it stands."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    recording_id: int
    agent_number: str = Field(examples=["1001"])
    queue_name: str | None
    sheet_name: str
    sheet_version: int
    scored_by: str
    scored_at: datetime
    revision: int
    total: float | None = Field(description="0 to 100; null: no question applied.", examples=[87.5])
    is_fatal: bool = Field(description="A fatal question was failed: the total is 0.")
    replied_at: datetime | None


class RevisionResponse(BaseModel):
    """How a score stood, and why it was given or changed."""

    model_config = ConfigDict(from_attributes=True)
    revision: int
    at: datetime
    reason: str
    answers: dict[str, Answer]
    comment: str
    total: float | None
    is_fatal: bool


class ScoreDetail(ScoreSummary):
    answers: dict[str, Answer]
    comment: str
    reply: str | None
    sheet: Sheet
    revisions: list[RevisionResponse] = Field(description="Oldest first.")
