"""The ledger that Asterisk writes to disk, line by line: channel events (cel_custom, JSON) and queue_log.

Only what a line says; no files (:mod:`callcenter.asterisk.ledger_files`), no database. Formats as Asterisk 22.10
writes them: cel_custom escapes nothing but double quotes, so a line may be broken by whoever fills a field, and a
line that cannot be read whole is refused whole.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from callcenter.asterisk.variables import parse_payload

TRUNK_ENDPOINT = "trunk"
"""The endpoint of the telephone network (asterisk_conf/pjsip.conf.j2); all others are seats."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHANNEL = re.compile(r"^PJSIP/(?P<endpoint>.+)-[0-9a-f]{8,}$")
_CEL_KEYS = ("eventtype", "eventenum", "eventtime", "exten", "context", "channame", "appname", "uniqueid", "linkedid")
_cel_values = itemgetter(*_CEL_KEYS)
_MAX_TEXT = 1_000
_NO_EXTRA: Mapping[str, Any] = MappingProxyType({})


class LedgerKind(StrEnum):
    """Which of Asterisk's two files."""

    CEL = "cel"
    QUEUE_LOG = "queue_log"


class LedgerLineBad(Exception):
    """A line that is not what Asterisk writes. ``reason``: a stable word for the quarantine."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class CelRecord(NamedTuple):
    """One channel event. ``kind``: Asterisk's name, or for our own events (CELGenUserEvent) theirs (``CC_...``).

    A tuple, as millions of them are made: that takes less than a frozen dataclass, and it is a row to copy as it is.
    """

    kind: str
    at: datetime
    uniqueid: str
    linkedid: str
    channel: str
    context: str = ""
    extension: str = ""
    application: str = ""
    peer: str = ""
    extra: Mapping[str, Any] = _NO_EXTRA

    @property
    def payload(self) -> dict[str, str]:
        """What a user event says (``did=8000:caller=...``); empty for Asterisk's own events."""
        text = self.extra.get("extra")
        return parse_payload(text) if isinstance(text, str) else {}

    @property
    def endpoint(self) -> str | None:
        return endpoint_of(self.channel)


class QueueLogRecord(NamedTuple):
    """One line of queue_log; ``at`` in whole seconds. ``callid``: the waiting caller's uniqueid."""

    at: datetime
    callid: str
    queue_name: str
    agent: str
    kind: str
    data: tuple[str, ...]


LedgerRecord = CelRecord | QueueLogRecord


def endpoint_of(channel: str) -> str | None:
    """``seat-a`` of ``PJSIP/seat-a-0000001f``; None for what is no PJSIP channel."""
    match = _CHANNEL.match(channel)
    return match["endpoint"] if match else None


def seat_of_channel(channel: str) -> str | None:
    """The seat a channel belongs to; None for the trunk and everything else."""
    endpoint = endpoint_of(channel)
    return None if endpoint == TRUNK_ENDPOINT else endpoint


def parse_line(kind: LedgerKind, line: bytes) -> LedgerRecord:
    """One line without its line feed. Raises LedgerLineBad."""
    return parse_cel_line(line) if kind is LedgerKind.CEL else parse_queue_log_line(line)


def parse_cel_line(line: bytes) -> CelRecord:
    """Raises LedgerLineBad for anything but one whole JSON object with the fields of cel_custom.conf.j2."""
    if b"\x00" in line or b"\\u0000" in line:
        raise LedgerLineBad("nul")
    try:
        raw = orjson.loads(line)
        values = _cel_values(raw)
        length = len("".join(values))
    except orjson.JSONDecodeError as error:
        raise LedgerLineBad("not_json") from error
    except (TypeError, KeyError, IndexError) as error:  # no object, a field less, or one that is no text
        raise LedgerLineBad("missing_field") from error
    if line.count(b'":"') != len(raw):  # every value is a string; inside one a quote stands escaped
        raise LedgerLineBad("field_twice")
    _, enum, time, extension, context, channel, application, uniqueid, linkedid = values
    kind = raw.get("userdeftype") if enum == "USER_DEFINED" else enum
    if not isinstance(kind, str) or not kind or not uniqueid or not linkedid:
        raise LedgerLineBad("missing_field")
    if length > _MAX_TEXT and any(len(value) > _MAX_TEXT for value in values):
        raise LedgerLineBad("field_too_long")
    extra = raw.get("eventextra")
    return CelRecord(
        kind,
        _cel_time(time),
        uniqueid,
        linkedid,
        channel,
        context,
        extension,
        application,
        raw.get("peer") or "",
        _extra(extra) if extra else _NO_EXTRA,
    )


def parse_queue_log_line(line: bytes) -> QueueLogRecord:
    """``epoch|callid|queue|agent|EVENT|data...``. Raises LedgerLineBad."""
    if b"\x00" in line:
        raise LedgerLineBad("nul")
    try:
        fields = line.decode().split("|")
    except UnicodeDecodeError as error:
        raise LedgerLineBad("not_utf8") from error
    if len(fields) < 5 or not fields[4]:
        raise LedgerLineBad("missing_field")
    return QueueLogRecord(
        at=_EPOCH + timedelta(0, _whole_seconds(fields[0])),
        callid=fields[1],
        queue_name=fields[2],
        agent=fields[3],
        kind=fields[4],
        data=tuple(fields[5:]),
    )


def _cel_time(text: str) -> datetime:
    """Exact to the microsecond: built from integers, never through a float."""
    digits = text.replace(".", "", 1)
    if len(text) == 17 and text[10] == "." and digits.isascii() and digits.isdigit():  # all, until the year 2286
        return _EPOCH + timedelta(0, 0, int(digits))
    seconds, _, microseconds = text.partition(".")
    if len(microseconds) != 6 or not (microseconds.isascii() and microseconds.isdigit()):
        raise LedgerLineBad("bad_time")
    return _EPOCH + timedelta(0, _whole_seconds(seconds), int(microseconds))


def _whole_seconds(text: str) -> int:
    if not 9 <= len(text) <= 11 or not (text.isascii() and text.isdigit()):
        raise LedgerLineBad("bad_time")
    return int(text)


def _extra(text: Any) -> dict[str, Any]:
    """EventExtra is JSON inside a JSON string."""
    try:
        extra = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise LedgerLineBad("bad_extra") from error
    if not isinstance(extra, dict):
        raise LedgerLineBad("bad_extra")
    return extra
