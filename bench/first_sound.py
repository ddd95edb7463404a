"""When a caller hears the first sound: the first packet at the telephone's audio port, as the kernel dates it."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence

_TIMESTAMP = struct.Struct("@ll")  # seconds and nanoseconds (socket(7), SO_TIMESTAMPNS)
_SO_TIMESTAMPNS = 35


class FirstSounds:
    """One audio port for each of ``callers``: ``with FirstSounds(numbers) as sounds``, in a running event loop."""

    def __init__(self, callers: Sequence[str]) -> None:
        self._callers = callers
        self._ports: dict[str, socket.socket] = {}
        self.heard_at: dict[str, float] = {}
        """Caller -> Unix time of the first packet."""

    def __enter__(self) -> "FirstSounds":
        for caller in self._callers:
            port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._ports[caller] = port
            port.setblocking(False)
            port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what comes later is dropped unread
            port.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            port.bind(("127.0.0.1", 0))
            asyncio.get_running_loop().add_reader(port, self._hear, caller, port)
        return self

    def __exit__(self, *_exc: object) -> None:
        for port in self._ports.values():
            asyncio.get_running_loop().remove_reader(port)
            port.close()

    def port_of(self, caller: str) -> int | None:
        port = self._ports.get(caller)
        return port.getsockname()[1] if port is not None else None

    def _hear(self, caller: str, port: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            _, control, _, _ = port.recvmsg(2048, socket.CMSG_SPACE(_TIMESTAMP.size))
            seconds, nanoseconds = _TIMESTAMP.unpack(control[0][2])
            self.heard_at[caller] = seconds + nanoseconds / 1e9
            asyncio.get_running_loop().remove_reader(port)
