"""Recordings as they are kept: one sealed WAV each, named by the recording's id. Blocking: run in a thread.

A file is written beside its place, synced, and renamed: it is there whole or not at all, and writing it again comes
to the same.
"""

import hashlib
import os
import secrets
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from callcenter.calls.recording_files import Layout, read_layout
from callcenter.core.sealed_files import KeyRing, SealedFile, SealingWriter

STORED_FOLDER = "stored"
"""Below the recordings folder."""
_IDS_A_FOLDER = 1000

POINTS_A_SECOND = 10
POINTS_LEAST, POINTS_MOST = 200, 2000
_PEAK_STEP = 8
"""Of so many samples one is looked at: a picture needs no more, and the engine has other work."""
_BLOCK_SECONDS = 4


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """What was stored. ``wav_bytes`` and ``sha256`` are of the WAV; ``peaks``: one channel after the other."""

    wav_bytes: int
    sha256: str
    key_id: str
    channels: int
    peaks: bytes
    is_cut: bool
    """The source ended within a sample: Asterisk did not come to finish it."""


def stored_path(recordings_dir: Path, recording_id: int) -> Path:
    """Where a recording is kept; its name tells nothing but the id."""
    folder = recordings_dir / STORED_FOLDER / f"{recording_id // _IDS_A_FOLDER:06}"
    return folder / f"{recording_id}.sealed"


def store(recordings_dir: Path, recording_id: int, source: Path, keys: KeyRing, *, swap_sides: bool) -> StoredFacts:
    """Keep ``source`` as the recording's file. ``swap_sides``: its second channel becomes the first.

    What is no sound is kept as no sound. Raises OSError: nothing is left half done.
    """
    target = stored_path(recordings_dir, recording_id)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    for left in target.parent.glob(f".{recording_id}.*"):
        left.unlink(missing_ok=True)  # of a process that was killed here
    draft = target.with_name(f".{recording_id}.{secrets.token_hex(4)}")
    try:
        with source.open("rb") as file, _create(draft) as sealed:
            facts = _seal(file, source, sealed, keys, recording_id, swap_sides=swap_sides)
            sealed.flush()
            os.fsync(sealed.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    return facts


def open_stored(recordings_dir: Path, recording_id: int, keys: KeyRing) -> SealedFile:
    """Raises FileNotFoundError, SealedFileUnreadable."""
    return SealedFile(stored_path(recordings_dir, recording_id), keys, subject=_subject(recording_id))


def _seal(
    file: BinaryIO, source: Path, sealed: BinaryIO, keys: KeyRing, recording_id: int, *, swap_sides: bool
) -> StoredFacts:
    size = os.fstat(file.fileno()).st_size
    layout = read_layout(source, file) or Layout(size, 0, 1, 8000)
    frames, rest = divmod(size - layout.data_offset, layout.frame_bytes)
    header = wav_header(frames * layout.frame_bytes, layout.channels, layout.rate_hz)
    wav_bytes = len(header) + frames * layout.frame_bytes
    writer = SealingWriter(sealed, keys, subject=_subject(recording_id), length=wav_bytes)
    digest = hashlib.sha256(header)
    writer.write(header)
    peaks = PeakFinder(frames, layout.channels)
    file.seek(layout.data_offset)
    for samples in _blocks(file, frames, layout):
        if swap_sides and layout.channels == 2:
            samples[0::2], samples[1::2] = samples[1::2], samples[0::2]
        peaks.add(samples)
        content = samples.tobytes()
        digest.update(content)
        writer.write(content)
    writer.close()
    return StoredFacts(wav_bytes, digest.hexdigest(), keys.current_id, layout.channels, peaks.peaks(), rest != 0)


def _blocks(file: BinaryIO, frames: int, layout: Layout) -> Iterator["array[int]"]:
    left = frames * layout.frame_bytes
    while left:
        content = file.read(min(left, _BLOCK_SECONDS * layout.bytes_a_second))
        if not content:
            raise OSError("the file became shorter while it was read")
        left -= len(content)
        yield array("h", content)


def wav_header(data_bytes: int, channels: int, rate_hz: int) -> bytes:
    """Of PCM with 16 bits a sample."""
    layout = struct.pack("<IHHIIHH", 16, 1, channels, rate_hz, 2 * channels * rate_hz, 2 * channels, 16)
    return b"RIFF" + struct.pack("<I", data_bytes + 36) + b"WAVEfmt " + layout + b"data" + struct.pack("<I", data_bytes)


class PeakFinder:
    """The loudest sample of each stretch of a sound, per channel, as it goes by: what a waveform is drawn from.

    Ten stretches a second, at least 200 and at most 2,000 in all (and never more than there are frames).
    """

    def __init__(self, frames: int, channels: int) -> None:
        wanted = min(max(frames * POINTS_A_SECOND // 8000, POINTS_LEAST), POINTS_MOST)
        self._points = min(wanted, frames)
        self._frames = frames
        self._channels = channels
        self._at = 0
        self._peaks = [bytearray(self._points) for _ in range(channels)]

    def add(self, samples: "array[int]") -> None:
        """The next samples, of all channels in turn."""
        count = len(samples) // self._channels
        start = 0
        while start < count:
            point = (self._at + start) * self._points // self._frames
            stop = min(count, -(-(point + 1) * self._frames // self._points) - self._at)
            for channel, peaks in enumerate(self._peaks):
                stretch = samples[
                    start * self._channels + channel : stop * self._channels : self._channels * _PEAK_STEP
                ]
                loudest = max(stretch)
                peaks[point] = max(peaks[point], min(255, max(loudest, -min(stretch)) >> 7))
            start = stop
        self._at += count

    def peaks(self) -> bytes:
        """0 to 255 each; one channel after the other."""
        return b"".join(map(bytes, self._peaks))


def fewer_points(peaks: bytes, points: int) -> bytes:
    """The peaks of one channel in at most so many stretches: the loudest of each."""
    count = min(points, len(peaks))
    return bytes(max(peaks[at * len(peaks) // count : (at + 1) * len(peaks) // count]) for at in range(count))


def _subject(recording_id: int) -> str:
    return f"recording {recording_id}"


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
