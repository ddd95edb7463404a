"""Ports for installations beside others on this machine.

Above Linux's ephemeral range (up to 60999): from that the kernel takes a port for any outgoing connection, also between
the moment when it was found free and that when somebody listens on it.
"""

import contextlib
import itertools
import random
import socket

from callcenter.core.errors import SetupError

SLOTS = 16
"""Who works beside others takes a slot of its own."""
_FIRST_PORT = 61_000
_PORTS = 280
"""Of a slot."""
_coming = [
    itertools.cycle(random.sample(range(first, first + _PORTS), _PORTS))
    for first in range(_FIRST_PORT, _FIRST_PORT + SLOTS * _PORTS, _PORTS)
]


def free_port(slot: int) -> int:
    """Free for TCP and UDP now; given again only after all others of the slot. Raises SetupError."""
    for port in itertools.islice(_coming[slot % SLOTS], _PORTS):
        if _is_free(port):
            return port
    raise SetupError("No port is left for another installation: end some.")


def _is_free(port: int) -> bool:
    with contextlib.ExitStack() as held:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            probe = held.enter_context(socket.socket(socket.AF_INET, kind))
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
