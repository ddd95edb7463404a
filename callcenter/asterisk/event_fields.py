"""How the headers of an AMI event are read: which one a field comes from, and how strictly."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from callcenter.asterisk import variables


class From(NamedTuple):
    """The header a field comes from (the first of ``names`` that is there), and its reader."""

    read: Callable[[str], Any]
    names: tuple[str, ...]


def _key(value: str) -> str:
    """Names something: must be there."""
    if not value:
        raise ValueError
    return value


def _person(value: str) -> str | None:
    """A caller's number or name; Asterisk writes three different words for nobody."""
    return None if value in ("", "<unknown>", "unknown") else value


def whole_number(value: str) -> int:
    """An integer; a missing or empty header counts as 0. Python's own ``int`` would also take ``1_0`` and `` 1``."""
    digits = value.removeprefix("-")
    if not value:
        return 0
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise ValueError
    return int(value)


def measurement(value: str) -> int | None:
    return None if value in ("", "N/A") else whole_number(value)


def flag(value: str) -> bool:
    return whole_number(value) != 0


def instant(value: str) -> datetime | None:
    """Unix seconds, where Asterisk writes 0 for never."""
    epoch_seconds = whole_number(value)
    try:
        return datetime.fromtimestamp(epoch_seconds, UTC) if epoch_seconds else None
    except (OverflowError, OSError) as error:
        raise ValueError from error


def channel_variable(name: str, read: Callable[[str], Any]) -> From:
    """A variable of the caller's channel (manager.conf's channelvars): one line each of a repeated header."""

    def find(value: str) -> Any:
        wanted = f"{name}="
        lines = value.split("\n")
        return read(next((line.removeprefix(wanted) for line in lines if line.startswith(wanted)), ""))

    return From(find, ("ChanVariable",))


def key(*names: str) -> From:
    return From(_key, names)


def text(name: str) -> From:
    return From(str, (name,))


def number(name: str) -> From:
    return From(whole_number, (name,))


Queue = Annotated[str, key("Queue")]
WantedQueue = Annotated[str, channel_variable(variables.QUEUE, str)]
Uniqueid = Annotated[str, key("Uniqueid")]
Linkedid = Annotated[str, key("Linkedid")]
Channel = Annotated[str, text("Channel")]
CallerNumber = Annotated[str | None, From(_person, ("CallerIDNum",))]
CallerName = Annotated[str | None, From(_person, ("CallerIDName",))]
Position = Annotated[int, number("Position")]
AgentChannel = Annotated[str, text("DestChannel")]
AgentUniqueid = Annotated[str, text("DestUniqueid")]
# QueueStatus writes Location and Name where the events write Interface and MemberName
Interface = Annotated[str, key("Interface", "Location")]
MemberName = Annotated[str, From(str, ("MemberName", "Name"))]
