"""What goes over the desk's socket (docs/agent-api.md): frames as JSON, and why a socket is closed."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from callcenter.agents.queries import MessageText
from callcenter.core.clock import now
from callcenter.core.http import ApiModel

VERSION = 1
HELLO, QUEUES, PING, SUPERSEDED = "hello", "queues", "ping", "superseded"


class CloseCode(IntEnum):
    """Of the socket (RFC 6455: 4000 to 4999 are an application's own). What a client does about each: the document."""

    GOING_AWAY = 1001
    TRY_LATER = 1013
    BAD_FRAME = 4400
    LOGIN_ENDED = 4401
    NOT_ALLOWED = 4403
    TOO_LATE = 4408
    SUPERSEDED = 4409
    TOO_SLOW = 4429


class Opening(ApiModel):
    """The client's only frame. ``after``: the last number it has; null: none, it wants only what comes."""

    version: Literal[1]
    ticket: Annotated[str, Field(max_length=100)]
    after: Annotated[int, Field(ge=0, lt=2**63)] | None = None


def kept_frame(message: MessageText) -> str:
    """A message that is kept, with its number."""
    return _frame(message.sequence, message.at, message.type, _json(message.before), _json(message.after))


def passing_frame(type: str, after: Mapping[str, Any]) -> str:  # noqa: A002 - the word of the protocol
    """What is true now and nobody asks for later: without a number."""
    return _frame(None, now(), type, None, after)


def _frame(sequence: int | None, at: datetime, type: str, before: Any, after: Any) -> str:  # noqa: A002
    frame = {"version": VERSION, "sequence": sequence, "at": at, "type": type, "before": before, "after": after}
    return orjson.dumps(frame).decode()


def _json(text: str | None) -> orjson.Fragment | None:
    return orjson.Fragment(text) if text is not None else None
