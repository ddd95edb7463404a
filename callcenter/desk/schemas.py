"""Shapes of the agent's own API."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from callcenter.agents.schemas import Code, SeatName
from callcenter.core.http import ApiModel


class StatePut(ApiModel):
    """What the agent wants: ``logged_out``; ``available``; ``paused`` with a ``reason``; or, to log in, a ``seat``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"wanted": "available", "seat": "seat-window"},
                {"wanted": "paused", "reason": "lunch"},
                {"wanted": "logged_out"},
            ]
        }
    )
    wanted: Literal["logged_out", "available", "paused"]
    seat: Annotated[SeatName | None, Field(description="Log in here first (or change the seat).")] = None
    reason: Annotated[Code | None, Field(description="A code of /pause-reasons; needed to pause.")] = None

    @model_validator(mode="after")
    def _reason_belongs_to_pause(self) -> Self:
        if self.wanted == "paused" and self.reason is None and self.seat is None:
            raise ValueError("paused needs a reason")
        if self.wanted != "paused" and self.reason is not None:
            raise ValueError("a reason belongs to paused")
        return self


class TicketCreated(ApiModel):
    ticket: str = Field(description="Goes into the socket's first frame, never into an address.")
    expires_at: datetime
