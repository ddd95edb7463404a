"""Shapes of the API of an agent's calls."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from callcenter.core.http import ApiModel

TargetText = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_+. ()/-]+$")]


class TargetBody(ApiModel):
    """Whom: ``to`` is an agent's number, a queue's name, or a telephone number. An expert is called as an agent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "number", "to": "13800000001"},
                {"kind": "agent", "to": "1002"},
                {"kind": "queue", "to": "consultation"},
            ]
        }
    )
    kind: Literal["agent", "expert", "queue", "number"]
    to: TargetText
    do_not_call_confirmed: Annotated[
        bool, Field(description="The number is on the do-not-call list, and the agent is sure.")
    ] = False


class KeysBody(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"keys": "1"}]})
    keys: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,16}$")]


class CommandAccepted(BaseModel):
    """Committed; what came of it follows as the message ``command`` with this id."""

    command_id: int = Field(examples=[4711])


class DialAccepted(CommandAccepted):
    """``call_id``: of the call, as soon as the agent's telephone has been answered."""

    call_id: str = Field(examples=["pbx1-ad-abcdefghijklmnop"])
