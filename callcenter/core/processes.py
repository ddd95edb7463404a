"""Servers of our own that outlive the command which started them: find them again, end exactly them.

A pid on its own proves nothing, it may have been given to a stranger. A server is recognised by the directory it
runs in (same inode, so it also holds through mount namespaces) together with its command line, and it is signalled
through a pidfd, which cannot come to mean another process.
"""

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path


def find_process(directory: Path, is_it: Callable[[list[str]], bool]) -> int | None:
    """The pid of the process whose working directory is ``directory`` and whose arguments satisfy ``is_it``.

    With several (a server's children) the oldest. None when there is none, or none that we may look at.
    """
    try:
        wanted = directory.stat()
    except FileNotFoundError:
        return None
    found: list[tuple[int, int]] = []
    for pid in _pids():
        with suppress(OSError, ValueError, IndexError):  # it ended meanwhile, or is somebody else's
            here = Path(f"/proc/{pid}/cwd").stat()
            if (here.st_dev, here.st_ino) == (wanted.st_dev, wanted.st_ino) and is_it(arguments_of(pid)):
                found.append((_start_ticks(pid), pid))
    return min(found)[1] if found else None


def arguments_of(pid: int) -> list[str]:
    """The command line of a process as it was started; empty for a zombie."""
    raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [os.fsdecode(argument) for argument in raw.split(b"\0")[:-1]]


def running_seconds(pid: int) -> float:
    """Seconds since the process started."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, uptime - _start_ticks(pid) / os.sysconf("SC_CLK_TCK"))


def end_process(pid: int, still_it: Callable[[], bool], *, signals: Sequence[tuple[int, float]]) -> bool:
    """Send each signal in turn and wait for the process up to that many seconds; True once it is gone.

    ``still_it`` is asked after the pidfd is open: a pid that was handed on meanwhile is left alone.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not still_it():
            return True
        for number, seconds in signals:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if _ended(handle, seconds):
                return True
        return False
    finally:
        os.close(handle)


def wait_until_ended(pid: int, seconds: float) -> bool:
    """True as soon as the process is gone, False when it is still there after ``seconds``."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return _ended(handle, seconds)
    finally:
        os.close(handle)


def poll_until(condition: Callable[[], bool], seconds: float, *, pause_seconds: float = 0.05) -> bool:
    """Ask until it is so or the time is over; says which."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause_seconds)
    return True


def _ended(handle: int, seconds: float) -> bool:
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _start_ticks(pid: int) -> int:
    """proc(5): field 22 of stat, counted after the command name, which may itself hold spaces and brackets."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def allow_many_files() -> None:
    """As many open files as this process may have: every caller in a menu and every listener holds a socket.

    Most systems begin with 1,024, for the sake of programs that use select(2).
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
