"""Recordings on disk: where they are, how long they last, what is to be heard. Blocking: run in a thread."""

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from callcenter.calls.errors import RecordingFileMissing, RecordingsUnavailable

log = structlog.get_logger(__name__)

_FRAME_SECONDS = 0.02
_LOUD = 100
"""Mean amplitude of a frame in which somebody may speak; Asterisk's own threshold is 256 (dsp.conf), a line at rest
stays under 60. Low on purpose: a message wrongly taken for empty costs more than one wrongly kept."""


@dataclass(frozen=True, slots=True)
class WavFacts:
    """``sound_seconds``: from the first loud moment to the last; None when not asked for."""

    bytes: int
    duration_seconds: float
    sound_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the samples begin, and how they are written (16 bits each, or unknown: no rate)."""

    data_offset: int
    said_bytes: int
    channels: int
    rate_hz: int


def locate(recordings_dir: Path, file: str) -> Path:
    """The file of a recording's row, which must lie inside ``recordings_dir``, whatever links lead out of it.

    Raises RecordingsUnavailable (no such folder), RecordingFileMissing.
    """
    if not recordings_dir.is_dir():
        raise RecordingsUnavailable
    root = recordings_dir.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        log.error("recording_outside_its_folder", file=file)
        raise RecordingFileMissing
    if not path.is_file():
        raise RecordingFileMissing
    return path


def measure(path: Path, *, sound: bool) -> WavFacts:
    """What a WAV file holds, by its size: the header of one that Asterisk did not finish says nothing.

    Such a header is finished here, so that the file can be played. Raises OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        layout = _read_layout(file)
        if layout is None:
            return WavFacts(size, 0.0, 0.0 if sound else None)
        data_bytes = size - layout.data_offset
        duration = data_bytes / (layout.rate_hz * layout.channels * 2)
        sound_seconds = _sound_seconds(file, layout) if sound else None
    if layout.said_bytes != data_bytes:
        _finish_header(path, layout, size)
    return WavFacts(size, duration, sound_seconds)


def _read_layout(file: BinaryIO) -> _Layout | None:
    """None for what is no WAV with 16-bit samples, or ends before the first sample."""
    if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
        return None
    channels = rate = 0
    while len(head := file.read(8)) == 8:
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"data":
            return _Layout(file.tell(), length, channels, rate) if channels and rate else None
        body = file.read(length)
        if name == b"fmt " and len(body) >= 16:
            _, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if bits != 16:
                return None
    return None


def _sound_seconds(file: BinaryIO, layout: _Layout) -> float:
    file.seek(layout.data_offset)
    samples_a_frame = round(layout.rate_hz * _FRAME_SECONDS) * layout.channels
    first = last = None
    index = 0
    while frame := file.read(samples_a_frame * 2):
        samples = array("h", frame[: len(frame) // 2 * 2])
        if samples and sum(map(abs, samples)) / len(samples) >= _LOUD:
            first, last = index if first is None else first, index
        index += 1
    return 0.0 if first is None or last is None else (last - first + 1) * _FRAME_SECONDS


def _finish_header(path: Path, layout: _Layout, size: int) -> None:
    try:
        with path.open("r+b") as file:
            file.seek(4)
            file.write(struct.pack("<I", size - 8))
            file.seek(layout.data_offset - 4)
            file.write(struct.pack("<I", size - layout.data_offset))
    except OSError as error:
        log.warning("recording_header_not_finished", reason=type(error).__name__)
