"""Is a port free, and if not: who has it. Asked before anything is started, so that nothing is half-started."""

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal

from callcenter.core.errors import SetupError

Protocol = Literal["tcp", "udp"]
_TCP_LISTENING = "0A"


def require_free_port(
    protocol: Protocol, host: str, port: int, *, purpose: str, setting: str, shared: bool = False
) -> None:
    """Raises SetupError naming the holder and the remedy when ``host:port`` cannot be bound.

    ``purpose``: who needs it, begins the sentence. ``setting``: the environment variable that chooses the port.
    ``shared``: others that share it too may be listening there (SO_REUSEPORT).
    """
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind) as probe:
        if protocol == "tcp":  # connections of an earlier run in TIME_WAIT do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind(address)
            if protocol == "tcp" and not shared:  # of those that listen the kernel may choose the probe
                probe.listen(1)
        except OSError as error:
            raise SetupError(
                f"{purpose} needs {protocol.upper()} port {port} on {host}, but {_why(error, protocol, port)}: "
                f"set {setting} to another port{_or_end_holder(error)}.",
                port=port,
                setting=setting,
            ) from error


def find_holder(protocol: Protocol, port: int) -> str | None:
    """``name (pid N)`` of the process that holds the local port; None when nobody does or we may not see it."""
    inodes = set(_socket_inodes(protocol, port))
    if not inodes:
        return None
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it ended meanwhile, or belongs to another user
            for link in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()) in inodes:
                        return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _why(error: OSError, protocol: Protocol, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{find_holder(protocol, port) or 'another program'} holds it"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    if error.errno == errno.EACCES:
        return "only root may open ports below 1024"
    return os.strerror(error.errno or 0).lower()


def _or_end_holder(error: OSError) -> str:
    return ", or end that program" if error.errno == errno.EADDRINUSE else ""


def _socket_inodes(protocol: Protocol, port: int) -> list[str]:
    """proc_net(5): local address in column 1, state in column 3, inode in column 9, after a heading."""
    found = []
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        with suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                columns = line.split()
                if int(columns[1].rpartition(":")[2], 16) == port and (
                    protocol == "udp" or columns[3] == _TCP_LISTENING
                ):
                    found.append(f"socket:[{columns[9]}]")
    return found
