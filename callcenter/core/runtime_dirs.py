"""Places for Unix sockets and locks.

A socket's path may have 107 bytes (unix(7): sun_path with its final NUL), so a deeply nested state directory gets a
short stand-in that only its owner can enter.
"""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callcenter.core.errors import SetupError

_LONGEST_SOCKET_PATH_BYTES = 107


def socket_dir(preferred: Path, longest_name: str) -> Path:
    """``preferred`` when ``longest_name`` in it fits into a socket address, else a short directory of its own.

    The stand-in is always the same for the same ``preferred``. Nothing is created: see :func:`make_private_dir`.
    """
    if len(os.fsencode(preferred / longest_name)) <= _LONGEST_SOCKET_PATH_BYTES:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    return _short_base() / f"callcenter-{os.geteuid()}-{digest}"


def make_private_dir(path: Path, *, owner: int | None = None) -> None:
    """A directory of mode 0700 that is ours (or ``owner``'s, given away by root); parents are made too.

    Raises SetupError when somebody else was there first: in a shared place that is an attack or an accident.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
            raise SetupError(f"{path} belongs to another user: remove it, or choose another state directory.") from None
    path.chmod(0o700)
    if owner is not None and path.stat().st_uid != owner:
        os.chown(path, owner, -1)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Only one process at a time is inside; the others wait. The lock ends with its holder, however that dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _short_base() -> Path:
    own = os.environ.get("XDG_RUNTIME_DIR")
    if own and Path(own).is_dir() and Path(own).stat().st_uid == os.geteuid() and len(own) < 60:
        return Path(own)
    return Path("/run") if os.geteuid() == 0 else Path(tempfile.gettempdir())
