"""How a long-lived process looks after its memory: the C library's, and Python's search for garbage."""

import ctypes
import gc

_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8
_TRIM_BYTES = 1_000_000
_YOUNG_OBJECTS = 10_000
"""That live on before they are looked at, in place of 700."""


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


def collect_seldom() -> None:
    """Look for garbage after more of it, and never again in what is there by now: a process that begins to serve.

    Nearly all garbage here goes by its count of references. The search for the rest took an eighth of the time of a
    process with 200 desks, and held up everything for 0.2 to 0.4 s each time it looked at all (docs/performance.md).
    """
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS, middle, old)
