"""What processes cost: processor time and memory, as the kernel counts them (proc(5))."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _CUTIME_END = 11, 15
"""Fields of /proc/PID/stat behind the name: utime, stime, then both of children that have ended."""


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes so far."""
    return sum(sum(_times(pid)[:2]) for pid in pids)


def tree_cpu_seconds(pid: int) -> float:
    """Of a process, its children, and those that have ended: a PostgreSQL server with its backends."""
    return sum(_times(pid)) + cpu_seconds(children(pid))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def resident_mb(pid: int) -> float:
    """Memory in use now (RSS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def peak_resident_mb(pid: int) -> float:
    """The most that it ever used. Not getrusage's, which begins with what the parent used."""
    status = Path(f"/proc/{pid}/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak) / 1024


def _times(pid: int) -> list[float]:
    try:
        return [int(value) / _TICKS for value in _stat(pid)[_UTIME:_CUTIME_END]]
    except (FileNotFoundError, ProcessLookupError):
        return [0.0] * 4  # its time is its parent's now


def _stat(pid: int) -> list[str]:
    """From the state on: the name before it may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
