"""Shapes of the API of calls out."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from callcenter.callouts.policy import Limits
from callcenter.core.http import ApiModel

Prefix = Annotated[
    str,
    Path(pattern=r"^[1-9][0-9]{0,7}$", description="First digits of an E.164 number, without `+`.", examples=["852"]),
]


class LimitsBody(ApiModel):
    """Dials a day. 0: none at all."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"number_daily": 6, "asker_daily": 100, "total_daily": 2000}]},
    )
    number_daily: int = Field(ge=0, le=1_000, description="To one number.")
    asker_daily: int = Field(ge=0, le=100_000, description="For one member of staff, or one line that asked.")
    total_daily: int = Field(ge=0, le=10_000_000)

    def limits(self) -> Limits:
        return Limits(self.number_daily, self.asker_daily, self.total_daily)


class PrefixBody(ApiModel):
    """The longest prefix counts. A whole country's does not allow the numbers there that cost extra: name those."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"allowed": True, "note": "Hong Kong patients"}]})
    allowed: bool
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class PrefixResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    prefix: str = Field(examples=["852"])
    allowed: bool
    note: str
    changed_at: datetime
    changed_by: str
