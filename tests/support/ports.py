"""Ports nobody uses just now."""

import os

from demo import ports

SLOT = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % ports.SLOTS
"""Of this worker."""


def free_port() -> int:
    """For TCP and UDP; not given again soon."""
    return ports.free_port(SLOT)
