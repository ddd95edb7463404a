"""Shapes of the API of alarm rules."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from callcenter.core.http import ApiModel
from callcenter.supervision.alarm_measures import Measure

RuleId = Annotated[
    str,
    Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="The rule's own name.", examples=["longest-wait"]),
]
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
"""One line: it becomes the subject of a mail."""
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Threshold = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
ScopeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_:-]{0,59}$")]
MailAddress = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$", max_length=254)
]
WebhookUrl = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
Username = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class AlarmRulePut(ApiModel):
    """All values of a rule. Of the measure ``event`` only level, scope and who is told count."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label_zh": "有人等待过久",
                    "label_en": "Somebody waits too long",
                    "measure": "longest_wait",
                    "comparison": "above",
                    "threshold": 120,
                    "clear_threshold": 60,
                    "clear_seconds": 10,
                    "level": "warning",
                }
            ]
        }
    )
    label_zh: Label
    label_en: Label
    measure: Measure
    comparison: Literal["above", "below"] = "above"
    threshold: Threshold = 0
    for_seconds: Seconds = Field(default=0, description="It must have been bad for so long.")
    clear_threshold: Threshold = Field(default=0, description="Good again only here: on the good side of `threshold`.")
    clear_seconds: Seconds = Field(default=0, description="It must have been good again for so long.")
    window_minutes: int = Field(default=30, ge=1, le=1440, description="Over which rates and counts are taken.")
    minimum_calls: int = Field(default=1, ge=1, le=10_000, description="A rate of fewer calls says nothing.")
    level: Literal["info", "warning", "critical"]
    scope: list[ScopeName] = Field(
        default=[], max_length=100, description="Queues (of `event`, kinds of alarms); empty: all."
    )
    tell_roles: list[Literal["admin", "supervisor"]] = Field(
        default=[], max_length=2, description="Whose console draws attention to it; with no user either, everybody's."
    )
    tell_users: list[Username] = Field(default=[], max_length=100, description="By log-in name.")
    mail_to: list[MailAddress] = Field(default=[], max_length=20)
    webhooks: list[WebhookUrl] = Field(
        default=[], max_length=10, description="Addresses on hosts of CALLCENTER_WEBHOOK_HOSTS."
    )
    enabled: bool = True


class AlarmRuleResponse(AlarmRulePut):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(examples=["longest-wait"])
    measure: str = Field(examples=["longest_wait"])  # type: ignore[assignment]
    shipped: bool = Field(description="Comes with the service: it can be changed and switched off, not removed.")
    changed_at: datetime
    changed_by: str


class MeasureResponse(BaseModel):
    """What rules can measure."""

    measure: str = Field(examples=["longest_wait"])
    of: Literal["queue", "agent", "pbx", "service"]
    unit: Literal["seconds", "count", "percent", "yes_no"]
    words_zh: str
    words_en: str


class MeasuredResponse(BaseModel):
    """``value`` null: there is nothing to measure."""

    model_config = ConfigDict(from_attributes=True)

    subject: str = Field(
        examples=["consultation"], description="A queue, an agent's number, a PBX or one of its disks."
    )
    value: float | None
    is_bad: bool = Field(description="Beyond the threshold; for how long is another question.")
    at: datetime = Field(description="When it was measured.")
