"""A ledger of any size, made of calls that a real Asterisk wrote down (bench/ledger_sample/).

Each call is one of the sample's with a time and ids of its own. Calls overlap as they do in a busy hotline, so the
lines of many lie between two lines of one.
"""

import heapq
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

SAMPLE = Path(__file__).parent / "ledger_sample"
CALLS_A_SECOND = 8
"""With calls of half a minute some 200 go on at a time."""

_TURNS = 8
"""In one turn of so many through the sample somebody complains: one call of fifty."""

_UNIQUEID = re.compile(rb"pbx1-(\d{10})\.(\d+)")


@dataclass(frozen=True, slots=True)
class SampleLine:
    """``after_microseconds``: since the call's first line. ``parts``: the text between its time and its ids."""

    after_microseconds: int
    is_queue_log: bool
    parts: tuple[bytes, ...]
    numbers: tuple[int, ...]
    """Behind each part but the last: -1 for the time, else which of the call's channels."""


def read_sample() -> list[list[SampleLine]]:
    """A mix of the sample's whole calls, the lines of each in the order of time."""
    calls: dict[bytes, list[tuple[int, bool, bytes]]] = defaultdict(list)
    linkedids: dict[bytes, bytes] = {}
    for line in (SAMPLE / "ledger.jsonl").read_bytes().splitlines():
        fields = orjson.loads(line)
        linkedids[fields["uniqueid"].encode()] = fields["linkedid"].encode()
        at = int(fields["eventtime"].replace(".", ""))
        calls[fields["linkedid"].encode()].append((at, False, line))
    for line in (SAMPLE / "queue_log").read_bytes().splitlines():
        epoch, callid, _ = line.split(b"|", 2)
        if callid in linkedids:
            calls[linkedids[callid]].append((int(epoch) * 1_000_000 + 999_999, True, line))
    whole = [sorted(lines) for lines in calls.values() if _has(lines, b'"LINKEDID_END"')]
    mixed = [lines for turn in range(_TURNS) for lines in whole if turn == 0 or not _has(lines, b'"CC_COMPLAINT"')]
    return [_call(lines) for lines in mixed]


def _has(lines: Iterable[tuple[int, bool, bytes]], words: bytes) -> bool:
    return any(words in line for *_, line in lines)


def _call(lines: Sequence[tuple[int, bool, bytes]]) -> list[SampleLine]:
    channels: dict[bytes, int] = {}
    begun = lines[0][0]
    call = []
    for at, is_queue_log, line in lines:
        time = b"%d" % (at // 1_000_000) if is_queue_log else b"%d.%06d" % divmod(at, 1_000_000)
        cuts = [(line.index(time), len(time), -1)]
        for found in _UNIQUEID.finditer(line):
            number = channels.setdefault(found[0], len(channels))
            cuts.append((found.start(), len(found[0]), number))
        parts, position = [], 0
        for start, length, _ in sorted(cuts):
            parts.append(line[position:start])
            position = start + length
        parts.append(line[position:] + b"\n")
        numbers = tuple(number for *_, number in sorted(cuts))
        call.append(SampleLine(at - begun, is_queue_log, tuple(parts), numbers))
    return call


def write_ledger(ledger_file: Path, queue_log_file: Path, *, lines: int, begin: int) -> int:
    """Whole calls until both files hold ``lines`` together; returns how many calls. ``begin``: their epoch."""
    calls = 0
    written = 0
    with ledger_file.open("wb") as ledger, queue_log_file.open("wb") as queue_log:
        for is_queue_log, line, is_new in _merged(begin, lines):
            (queue_log if is_queue_log else ledger).write(line)
            calls += is_new
            written += 1
    return calls


def _merged(begin: int, lines: int) -> Iterator[tuple[bool, bytes, bool]]:
    """Lines of all calls in the order of time; each with whether it is the first of its call."""
    sample = read_sample()
    waiting: list[tuple[int, int, int]] = []  # time of the next line, number of its call, index of the line
    calls = begun_lines = 0
    while waiting or begun_lines < lines:
        starts_at = calls * 1_000_000 // CALLS_A_SECOND
        if begun_lines < lines and (not waiting or starts_at <= waiting[0][0]):
            heapq.heappush(waiting, (starts_at, calls, 0))
            begun_lines += len(sample[calls % len(sample)])
            calls += 1
        at, number, index = waiting[0]
        call = sample[number % len(sample)]
        line = call[index]
        yield line.is_queue_log, _written(line, begin, at, number), index == 0
        if index + 1 < len(call):
            heapq.heapreplace(
                waiting, (at - line.after_microseconds + call[index + 1].after_microseconds, number, index + 1)
            )
        else:
            heapq.heappop(waiting)


def _written(line: SampleLine, begin: int, at: int, call: int) -> bytes:
    whole, microseconds = divmod(at, 1_000_000)
    time = b"%d" % (begin + whole) if line.is_queue_log else b"%d.%06d" % (begin + whole, microseconds)
    text = line.parts[0]
    for number, part in zip(line.numbers, line.parts[1:], strict=True):
        text += (time if number < 0 else b"pbx1-%d.%d" % (begin + call // CALLS_A_SECOND, 10 * call + number)) + part
    return text
