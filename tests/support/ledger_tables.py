"""Ledgers written as tables, one event a line, as they are read best; and back into the lines Asterisk writes.

    0.278 CHAN_START    PJSIP/trunk-00000009   pbx1-1.9  pbx1-1.9  exten=8000
    0.780 CC_STEP       PJSIP/trunk-00000009   pbx1-1.9  pbx1-1.9  flow=main:step=menu:outcome=2
    1.491 BRIDGE_ENTER  PJSIP/seat-a-0000000a  pbx1-1.10 pbx1-1.9  {"bridge_id":"091be170"}
    1|pbx1-1.9|consultation|agent-1001|CONNECT|1|pbx1-1.10|0

Columns: seconds, event, channel, uniqueid, linkedid, detail. Lines with ``|`` are queue_log's. ``#`` begins a comment.
The tables in tests/unit/calls/scenarios were recorded on Asterisk 22.10 (SIPp callers and phones).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from callcenter.asterisk.ledger import CelRecord, QueueLogRecord, parse_cel_line, parse_queue_log_line

SCENARIOS = Path(__file__).parents[1] / "unit" / "calls" / "scenarios"
T0_EPOCH = 1_767_600_000
T0 = datetime.fromtimestamp(T0_EPOCH, UTC)
"""Second 0 of every table."""


@dataclass(frozen=True)
class Ledger:
    """The lines of both files, without line feeds."""

    cel: list[bytes]
    queue_log: list[bytes]

    @property
    def events(self) -> list[CelRecord]:
        return [parse_cel_line(line) for line in self.cel]

    @property
    def queue_records(self) -> list[QueueLogRecord]:
        return [parse_queue_log_line(line) for line in self.queue_log]

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(self.cel + other.cel, self.queue_log + other.queue_log)


def scenario(name: str, *, series: int = 1, start: int = 0) -> Ledger:
    """A recorded table. ``series``: another number gives the same call with other ids; ``start``: seconds later."""
    return table((SCENARIOS / f"{name}.txt").read_text(), series=series, start=start)


def table(text: str, *, series: int = 1, start: int = 0) -> Ledger:
    ledger = Ledger([], [])
    for raw in text.splitlines():
        line = raw.replace("pbx1-1.", f"pbx1-{series}.").replace(_attempt_id(1), _attempt_id(series)).strip()
        if not line or line.startswith("#"):
            continue
        if "|" in line.split(maxsplit=1)[0]:
            seconds, rest = line.split("|", 1)
            ledger.queue_log.append(f"{T0_EPOCH + start + int(seconds)}|{rest}".encode())
        else:
            ledger.cel.append(_cel_line(line, start))
    return ledger


def _attempt_id(number: int) -> str:
    """Of a call-back, as callbacks.placing makes them."""
    return "pbx1-cb-" + f"{number:032x}".translate(str.maketrans("0123456789", "ghijklmnop"))


def _cel_line(line: str, start: int) -> bytes:
    columns = line.split(maxsplit=5)
    seconds, kind, channel, uniqueid, linkedid = columns[:5]
    detail = columns[5] if len(columns) > 5 else ""
    whole, _, fraction = seconds.partition(".")
    is_ours = kind.startswith("CC_")
    extra = json.dumps({"extra": detail}, separators=(",", ":")) if is_ours else ""
    if detail.startswith("{"):
        extra = detail
    fields = {
        "eventtype": kind,
        "eventenum": "USER_DEFINED" if is_ours else kind,
        "userdeftype": kind if is_ours else "",
        "eventtime": f"{T0_EPOCH + start + int(whole)}.{fraction.ljust(6, '0')}",
        "exten": detail.removeprefix("exten=") if kind == "CHAN_START" else "s",
        "context": "flow",
        "channame": channel,
        "appname": "",
        "uniqueid": uniqueid,
        "linkedid": linkedid,
        "peer": "",
        "eventextra": extra,
    }
    escaped = ('"{}":"{}"'.format(name, value.replace('"', '\\"')) for name, value in fields.items())
    return ("{" + ",".join(escaped) + "}").encode()
