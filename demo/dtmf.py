"""Key presses of a called telephone, as a capture file that SIPp replays.

SIPp's own ``play_dtmf`` sends payload type 96 whatever was agreed, and Asterisk, who offered the call, waits for
what it offered: 101. Packets as RFC 4733 wants them: the same timestamp for one key, a growing duration, the end three
times.
"""

import struct
from pathlib import Path

PAYLOAD_TYPE = 101
KEY_MS, GAP_MS = 200, 200
_PACKET_MS = 20
_SAMPLES_PER_MS = 8
_EVENTS = "0123456789*#"
_SSRC = 0x43414C4C


def keys_file(folder: Path, keys: str) -> Path:
    """The capture with these keys, one after the other; written once."""
    file = folder / f"keys-{'-'.join(str(_EVENTS.index(key)) for key in keys)}.pcap"
    if not file.exists():
        file.write_bytes(capture(keys))
    return file


def capture(keys: str) -> bytes:
    """A pcap file (Ethernet, IPv4, UDP): addresses and ports are put in by whoever replays it."""
    written = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    sequence = 0
    for index, key in enumerate(keys):
        begins_ms = index * (KEY_MS + GAP_MS)
        timestamp = 1_000 + begins_ms * _SAMPLES_PER_MS
        times = [*range(_PACKET_MS, KEY_MS + 1, _PACKET_MS), KEY_MS, KEY_MS, KEY_MS]
        for number, lasts_ms in enumerate(times):
            is_end = number >= len(times) - 3
            payload = struct.pack("!BBH", _EVENTS.index(key), (0x80 if is_end else 0) | 10, lasts_ms * _SAMPLES_PER_MS)
            marker = 0x80 if number == 0 else 0
            rtp = struct.pack("!BBHII", 0x80, marker | PAYLOAD_TYPE, sequence, timestamp, _SSRC) + payload
            sequence += 1
            written.append(_record(begins_ms + (number + 1) * _PACKET_MS, rtp))
    return b"".join(written)


def _record(at_ms: int, rtp: bytes) -> bytes:
    udp = struct.pack("!HHHH", 4000, 4000, 8 + len(rtp), 0) + rtp
    address = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + address + address + udp
    frame = bytes(12) + b"\x08\x00" + ip
    return struct.pack("<IIII", at_ms // 1000, at_ms % 1000 * 1000, len(frame), len(frame)) + frame
