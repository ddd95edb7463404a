"""Recordings as Asterisk writes them: 8 kHz, 16 bits, one channel."""

import struct
from array import array
from pathlib import Path

RATE_HZ = 8000


def silence(seconds: float) -> bytes:
    return array("h", [3, -3] * int(seconds * RATE_HZ / 2)).tobytes()


def speech(seconds: float) -> bytes:
    """A tone as loud as a person who speaks."""
    return array("h", [900] * 10 + [-900] * 10).tobytes() * int(seconds * RATE_HZ / 20)


def write_wav(path: Path, *parts: bytes, said_bytes: int | None = None) -> Path:
    """``said_bytes``: what the header says instead of the truth."""
    data = b"".join(parts)
    said = len(data) if said_bytes is None else said_bytes
    header = b"RIFF" + struct.pack("<I", said + 36) + b"WAVEfmt "
    layout = struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + layout + b"data" + struct.pack("<I", said) + data)
    return path
