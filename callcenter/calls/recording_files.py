"""Recordings as Asterisk writes them: where they are, how long they last, what is to be heard. Blocking: run in a
thread.

``.wav``: what a caller says alone. ``.raw``: both sides of a conversation, without a header (asterisk-facts,
Recording).
"""

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
class Layout:
    """Where the samples of a file begin, and how they are written (16 bits each)."""

    data_offset: int
    said_bytes: int | None
    """None: no header says."""
    channels: int
    rate_hz: int

    @property
    def frame_bytes(self) -> int:
        return 2 * self.channels

    @property
    def bytes_a_second(self) -> int:
        return self.rate_hz * self.frame_bytes


RAW = Layout(data_offset=0, said_bytes=None, channels=2, rate_hz=8000)


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
        layout = read_layout(path, file)
        if layout is None:
            return WavFacts(size, 0.0, 0.0 if sound else None)
        data_bytes = size - layout.data_offset
        duration = data_bytes / layout.bytes_a_second
        sound_seconds = _sound_seconds(file, layout) if sound else None
    if layout.said_bytes is not None and layout.said_bytes != data_bytes:
        _finish_header(path, layout, size)
    return WavFacts(size, duration, sound_seconds)


def read_layout(path: Path, file: BinaryIO) -> Layout | None:
    """Of ``path``, opened as ``file``; None for what is no WAV with 16-bit samples, or ends before the first."""
    if path.suffix == ".raw":
        return RAW
    if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
        return None
    channels = rate = 0
    while len(head := file.read(8)) == 8:
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"data":
            return Layout(file.tell(), length, channels, rate) if channels and rate else None
        body = file.read(length)
        if name == b"fmt " and len(body) >= 16:
            _, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if bits != 16:
                return None
    return None


def _sound_seconds(file: BinaryIO, layout: Layout) -> float:
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


def _finish_header(path: Path, layout: Layout, size: int) -> None:
    try:
        with path.open("r+b") as file:
            file.seek(4)
            file.write(struct.pack("<I", size - 8))
            file.seek(layout.data_offset - 4)
            file.write(struct.pack("<I", size - layout.data_offset))
    except OSError as error:
        log.warning("recording_header_not_finished", reason=type(error).__name__)
