"""How the C library keeps memory that a long-lived process has freed."""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8
_TRIM_BYTES = 1_000_000


def keep_memory_flat() -> None:
    """One arena for all threads, and the free end of the heap goes back to the system.

    glibc otherwise gives each thread an arena and lets the limits grow with the largest block ever freed, so that
    a reader of many batches grows for hours though it keeps nothing. Source: mallopt(3). Other C libraries have no
    such function, and nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
