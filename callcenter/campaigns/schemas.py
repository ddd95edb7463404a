"""Shapes of the API of campaigns."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from callcenter.campaigns.contacts import MOST_AT_ONCE, NewContact
from callcenter.campaigns.models import CampaignKind, CampaignState, Channel, Outcome
from callcenter.campaigns.rules import Pacing, RetryRules, Texts, Windows
from callcenter.core.http import ApiModel
from callcenter.patients.schemas import Email
from callcenter.speech.languages import Language

FlowName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
VariableValue = Annotated[str, StringConstraints(max_length=200)]

_EXAMPLE: dict[str, Any] = {
    "name": "Appointments of tomorrow",
    "kind": "reminder",
    "flow": "campaign_reminder",
    "caller_id": "8000",
    "texts": {"spoken": {"greeting": {"zh": "您好，请问是{name}吗？"}, "reminder": {"zh": "您预约了{when}就诊。"}}},
    "starts_at": "2026-12-01T00:00:00+08:00",
    "ends_at": "2026-12-31T00:00:00+08:00",
}


class CampaignBody(ApiModel):
    """All that staff set of a campaign."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    name: ShortText
    kind: CampaignKind
    flow: FlowName | Literal[""] = Field(
        default="", description="The call flow that people hear who answer; none where they talk with agents."
    )
    caller_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")] = Field(
        description="The number of ours that is shown, the same for every attempt."
    )
    texts: Texts = Field(default=Texts(), description="Fixed once the campaign has begun.")
    channels: Annotated[list[Channel], Field(min_length=1, max_length=3)] = Field(
        default=[Channel.TELEPHONE], description="In this order: the next when one cannot reach the person."
    )
    priority: int = Field(default=0, ge=-100, le=100, description="Among campaigns: the higher first.")
    zone: Annotated[str, StringConstraints(max_length=60)] = Field(default="Asia/Shanghai", description="IANA name.")
    windows: Windows = Windows()
    pacing: Pacing = Pacing()
    retry: RetryRules = RetryRules()
    report_to: Annotated[str, StringConstraints(max_length=500)] = Field(
        default="",
        description="URL of a host of `CALLCENTER_WEBHOOK_HOSTS` that is told of every attempt (docs/calls-out.md).",
        examples=["https://hooks.example.com/outcomes"],
    )
    starts_at: AwareDatetime
    ends_at: AwareDatetime

    def values(self) -> dict[str, Any]:
        """As the table keeps them."""
        shapes = self.model_dump(mode="json", include={"texts", "windows", "pacing", "retry", "channels"})
        plain = self.model_dump(exclude=set(shapes))
        return {**plain, **shapes, "kind": self.kind.value}


class CampaignChange(CampaignBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "version": 1}]})
    version: int = Field(ge=1, description="The one that was read; if another stands, nothing is changed.")

    def values(self) -> dict[str, Any]:
        values = super().values()
        values.pop("version")
        return values


class CampaignResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    name: str
    kind: CampaignKind
    state: CampaignState
    flow: str
    caller_id: str
    texts: Texts
    channels: list[Channel]
    priority: int
    zone: str
    windows: Windows
    pacing: Pacing
    retry: RetryRules
    report_to: str
    starts_at: datetime
    ends_at: datetime
    version: int
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    started_at: datetime | None
    finished_at: datetime | None


class StateBody(ApiModel):
    """``finished`` and ``cancelled`` are for good. Running calls end by themselves."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "running"}]})
    state: CampaignState


class ContactBody(ApiModel):
    """``key``: what tells this person from others in the campaign, of the sender's choice."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    name: Annotated[str, StringConstraints(max_length=100)] = ""
    language: Language = "zh"
    zone: Annotated[str, StringConstraints(max_length=60)] | None = None
    numbers: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=5)] = []
    email: Email | None = None
    patient_id: UUID | None = None
    appointment_id: UUID | None = None
    variables: Annotated[dict[VariableName, VariableValue], Field(max_length=30)] = {}
    not_before: AwareDatetime | None = None

    def contact(self) -> NewContact:
        return NewContact(**dict(self))


class ContactsBody(ApiModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "contacts": [
                        {
                            "key": "A-1001",
                            "name": "张伟",
                            "numbers": ["13800000001"],
                            "variables": {"when": "11月23日上午9:30"},
                        }
                    ]
                }
            ]
        }
    )
    contacts: Annotated[list[ContactBody], Field(min_length=1, max_length=MOST_AT_ONCE)]


class RejectedResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    index: int = Field(description="Among those given, from 0.")
    key: str
    reason: str = Field(description="`number`, `unreachable`, `repeated`, `exists`, `patient`, `appointment`, `zone`.")


class AddedResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    added: int
    rejected: list[RejectedResponse]


class ContactResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    key: str
    name: str
    patient_id: UUID | None
    language: str
    numbers: list[str]
    email: str | None
    variables: dict[str, Any]
    state: str
    status: str
    result: str | None
    reason: str | None
    next_at: datetime | None
    next_channel: Channel
    attempts: int
    created_at: datetime
    finished_at: datetime | None


class AttemptResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str = Field(description="Of a dial: the id of its call, for `/calls/{id}`.")
    number: int
    channel: Channel
    address: str
    claimed_at: datetime
    dialled_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None = Field(description="Null: it goes on.")
    hangup_cause: int | None
    agent_number: str | None


class AnswerResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    attempt_id: str
    question: str
    revision: str
    value: str
    answered_at: datetime


class DecisionResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    contact_id: UUID
    campaign_id: UUID
    at: datetime
    decision: str = Field(description="`called`, `written`, `waits` or `finished`.")
    reason: str
    until: datetime | None


class ContactDetailResponse(ContactResponse):
    attempts_made: list[AttemptResponse]
    answers: list[AnswerResponse]
    decisions: list[DecisionResponse]


class ProgressResponse(BaseModel):
    """Numbers of now, from the rows themselves."""

    contacts: int
    by_state: dict[str, int]
    by_status: dict[str, int]
    by_result: dict[str, int]
    attempts: int
    by_outcome: dict[str, int]
    due: int = Field(description="Waiting contacts whose time has come.")
    reach_rate: float | None = Field(description="Reached among the finished; null before one is.")
    per_hour: float = Field(description="Attempts that ended within the last hour.")
    expected_end_at: datetime | None = Field(description="At the pace of the last hour; null while nothing is known.")
