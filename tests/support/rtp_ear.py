"""What telephones on loopback really hear: RTP on its way to them, decoded, and which tones are in it.

Read off the wire, behind everything that Asterisk does: what a supervisor whispers is mixed in last of all, and no
recording of Asterisk's holds it. Needs root, as SIPp's key presses do.
"""

import asyncio
import math
import socket
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

_ETH, _IPV4, _UDP = 14, 0x0800, 17
_OUTGOING = 4
"""PACKET_OUTGOING: on loopback each packet passes twice."""
_ALAW = 8
_KEYS = frozenset({96, 101})
"""Payload types of key presses (RFC 4733): SIPp's, which Asterisk answers with, and Asterisk's own."""
SAMPLES_PER_SECOND = 8_000
LOUD = 1_000.0
"""Amplitude of 32,768: demo.phones' tones have about 5,000, the echo of nothing has none."""


class Ear:
    """Listens to all RTP on loopback while ``async``-free :func:`listening` holds it open."""

    def __init__(self) -> None:
        self._heard: dict[int, list[int]] = defaultdict(list)
        self._keys: dict[int, dict[int, int]] = defaultdict(dict)

    def take(self, packet: bytes) -> None:
        if struct.unpack_from("!H", packet, 12)[0] != _IPV4 or packet[_ETH + 9] != _UDP:
            return
        udp = _ETH + (packet[_ETH] & 0x0F) * 4
        port: int = struct.unpack_from("!H", packet, udp + 2)[0]
        rtp = packet[udp + 8 :]
        if len(rtp) <= 12 or rtp[0] >> 6 != 2:
            return
        kind, content = rtp[1] & 0x7F, rtp[12 + 4 * (rtp[0] & 0x0F) :]
        if kind == _ALAW:
            self._heard[port].extend(_DECODED[byte] for byte in content)
        elif kind in _KEYS:
            pressed_at: int = struct.unpack_from("!I", rtp, 4)[0]  # the same in each packet of one press
            self._keys[port][pressed_at] = content[0]

    def keys(self, port: int) -> str:
        """The keys that were pressed towards this telephone so far."""
        return "".join("0123456789*#"[event] for event in self._keys[port].values())

    def mark(self, port: int) -> int:
        """The present, for :meth:`ever_hears`: what was heard before does not count."""
        return len(self._heard[port])

    def hears(self, port: int, hz: float, *, seconds: float = 0.5) -> bool:
        """Whether this tone was there all the last ``seconds``."""
        wanted = int(seconds * SAMPLES_PER_SECOND)
        samples = self._heard[port][-wanted:]
        return len(samples) == wanted and min(levels(samples, hz)) > LOUD

    def hears_no(self, port: int, hz: float, *, seconds: float = 0.5) -> bool:
        """Whether this tone was not there in any part of the last ``seconds``; silence without RTP counts too."""
        samples = self._heard[port][-int(seconds * SAMPLES_PER_SECOND) :]
        return max(levels(samples, hz), default=0.0) < LOUD

    def ever_hears(self, port: int, hz: float, since: int) -> bool:
        """Whether this tone was there at any time since the mark."""
        return max(levels(self._heard[port][since:], hz), default=0.0) > LOUD


@contextmanager
def listening() -> Iterator[Ear]:
    """In a running event loop."""
    ear = Ear()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IPV4)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        wire.bind(("lo", 0))
        wire.setblocking(False)

        def read() -> None:
            for _ in range(200):
                try:
                    packet, address = wire.recvfrom(4_096)
                except BlockingIOError:
                    return
                if address[2] != _OUTGOING:
                    ear.take(packet)

        loop.add_reader(wire, read)
        try:
            yield ear
        finally:
            loop.remove_reader(wire)


def levels(samples: list[int], hz: float, window: int = 960) -> list[float]:
    """Amplitude of the tone in each 120 ms (Goertzel)."""
    found = []
    omega = 2 * math.pi * hz / SAMPLES_PER_SECOND
    coefficient = 2 * math.cos(omega)
    for start in range(0, len(samples) - window + 1, window):
        before = last = 0.0
        for sample in samples[start : start + window]:
            before, last = last, sample + coefficient * last - before
        power = last * last + before * before - coefficient * last * before
        found.append(2 * math.sqrt(max(power, 0.0)) / window)
    return found


def _alaw_decoded(byte: int) -> int:
    """ITU-T G.711."""
    byte ^= 0x55
    mantissa, segment = (byte & 0x0F) << 4, (byte & 0x70) >> 4
    value = mantissa + 8 if segment == 0 else (mantissa + 0x108) << (segment - 1)
    return value if byte & 0x80 else -value


_DECODED = [_alaw_decoded(byte) for byte in range(256)]
