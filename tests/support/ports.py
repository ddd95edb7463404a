"""Ports nobody uses just now."""

import socket
from typing import Literal


def free_port(protocol: Literal["tcp", "udp"] = "tcp") -> int:
    """The kernel's choice; the kernel does not hand it out again soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
