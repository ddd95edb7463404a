"""Shapes of the agents API."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from callcenter.agents.models import Activity, Cause, SeatKind, Wanted
from callcenter.asterisk.render import RESERVED_SEATS
from callcenter.core.http import ApiModel


def _not_reserved(name: str) -> str:
    if name in RESERVED_SEATS:
        raise PydanticCustomError("reserved_name", "a section of pjsip.conf")
    return name


def _four_digits_or_more(pin: SecretStr) -> SecretStr:
    if not _PIN.fullmatch(pin.get_secret_value()):
        raise PydanticCustomError("pin_format", "four to twelve digits")
    return pin


_PIN = re.compile(r"[0-9]{4,12}")
Pin = Annotated[SecretStr, AfterValidator(_four_digits_or_more), Field(json_schema_extra={"pattern": "^[0-9]{4,12}$"})]
AgentNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,10}$")]
SeatName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{2,39}$"), AfterValidator(_not_reserved)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class AgentCreate(ApiModel):
    """``username``: the account that this agent logs in with; ``pin``: for feature codes from the telephone."""

    number: AgentNumber = Field(examples=["1001"])
    display_name: Label = Field(examples=["李娜"])
    username: str | None = Field(default=None, max_length=64, examples=["li.na"])
    pin: Pin | None = None


class AgentResponse(ApiModel):
    """What the agent wants (``wanted``) and does (``activity``), each with its beginning."""

    model_config = ConfigDict(from_attributes=True)
    number: str = Field(examples=["1001"])
    display_name: str = Field(examples=["李娜"])
    wanted: Wanted
    pause_reason: str | None = Field(examples=["lunch"])
    wanted_since: datetime
    activity: Activity
    activity_since: datetime
    activity_call_id: str | None = Field(examples=["pbx1-1763754631.12"])
    wrap_up_until: datetime | None
    seat_name: str | None = Field(examples=["seat-window"])
    sequence: int = Field(description="Counts this agent's state changes and other messages; it only grows.")


class StateChangeResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    sequence: int
    at: datetime
    cause: Cause
    actor_name: str
    wanted_before: Wanted
    wanted: Wanted
    pause_reason: str | None
    activity_before: Activity
    activity: Activity
    call_id: str | None
    seat_name: str | None


class SeatCreate(ApiModel):
    name: SeatName = Field(examples=["seat-window"], description="SIP user name; not a number.")
    label: Label = Field(examples=["靠窗座席"])
    kind: SeatKind = Field(default=SeatKind.PHONE, description="`browser`: the telephone is in the page /desk.")


class SeatResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    label: str
    kind: SeatKind
    registered: bool = Field(description="Whether a telephone is registered there now.")
    registered_at: datetime | None


class SeatCreated(SeatResponse):
    sip_password: str | None = Field(
        description="Shown this once: set it in the telephone. Null for `browser`: the page gets one at each log-in."
    )


class PauseReasonPut(ApiModel):
    label_zh: Label = Field(examples=["午餐"])
    label_en: Label = Field(examples=["Lunch"])
    digit: Annotated[str, StringConstraints(pattern=r"^[0-9]$")] | None = Field(
        default=None, description="Key of the feature code *14<digit>."
    )
    active: bool = True


class PauseReasonResponse(PauseReasonPut):
    model_config = ConfigDict(from_attributes=True)
    code: str
    by_system: bool = Field(description="Only a rule gives it: do not offer it.")


class SkillPut(ApiModel):
    label_zh: Label = Field(examples=["粤语"])
    label_en: Label = Field(examples=["Cantonese"])


class SkillResponse(SkillPut):
    model_config = ConfigDict(from_attributes=True)
    code: str


class AgentSkills(ApiModel):
    """All skills of an agent: code to level, 1 (a little) to 5 (best); what is not named is not there."""

    levels: dict[Code, Annotated[int, Field(ge=1, le=5)]] = Field(max_length=50, examples=[{"cantonese": 4}])
