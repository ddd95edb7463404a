"""Identifiers that sort by the time they were made."""

import os
import time
from uuid import UUID

_RANDOM_BITS = (1 << 80) - 1 & ~(0xF << 76) & ~(0x3 << 62)


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then random bits.

    Rows made together lie together in an index; an id tells nothing but its time.
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[UUID]:
    """``count`` ids of the same moment, as :func:`new_id`."""
    milliseconds = time.time_ns() // 1_000_000
    fixed = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | 0x2 << 62
    random_bytes = os.urandom(10 * count)
    return [
        UUID(int=fixed | int.from_bytes(random_bytes[at : at + 10], "big") & _RANDOM_BITS)
        for at in range(0, 10 * count, 10)
    ]
