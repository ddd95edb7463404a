"""What the engine of a PBX sees of its surroundings: Asterisk, the trunk, the ledger's files, disks.

Nothing here waits: what takes its time (a disk that hangs) runs beside and is told when it is there.
"""

import asyncio
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from callcenter.asterisk.errors import AmiActionFailed, AmiTimeout, AmiUnavailable
from callcenter.asterisk.manager import AmiSession
from callcenter.core.config import Settings
from callcenter.supervision.alarm_measures import Measure, Reading, Readings

log = structlog.get_logger(__name__)

TRUNK_SECONDS = 2.0
DISK_SECONDS = 10.0
WATCHED_TRUNK = "trunk-watch"
"""Endpoint of pjsip.conf that Asterisk asks with OPTIONS; calls do not go by it (asterisk_conf/pjsip.conf.j2)."""
_REACHABLE = {"Reachable": 0.0, "Unreachable": 1.0}

FileId = tuple[int, int]
"""Device and inode: a renamed file keeps it."""


class LedgerLag:
    """How old is what stands on disk and not yet in the database; pure, fed with both."""

    def __init__(self) -> None:
        self._seen: dict[FileId, deque[tuple[float, int]]] = {}
        """By file, sizes with the time at which each was first seen, oldest first."""

    def lag_seconds(self, sizes: Mapping[FileId, int], read: Mapping[FileId, int], at: float) -> float:
        """``sizes`` of the files now, ``read``: how far each is in the database. ``at``: monotonic seconds."""
        for file, size in sizes.items():
            seen = self._seen.setdefault(file, deque())
            if not seen or size > seen[-1][1]:
                seen.append((at, size))
            elif size < seen[-1][1]:  # it was cut
                self._seen[file] = deque([(at, size)])
        for file, seen in list(self._seen.items()):
            while seen and seen[0][1] <= read.get(file, 0):
                seen.popleft()
            if not seen or (file not in sizes and file not in read):
                del self._seen[file]
        return max((at - seen[0][0] for seen in self._seen.values()), default=0.0)


class Surroundings:
    """Of one engine. ``sessions``: its sessions with Asterisk; all must be up."""

    def __init__(
        self,
        settings: Settings,
        commands: AmiSession,
        sessions: tuple[AmiSession, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._pbx = settings.pbx_name
        self._commands = commands
        self._sessions = sessions
        self._clock = clock
        self._connected_at = clock()
        self._lag = LedgerLag()
        self._trunk: float | None = None
        self._trunk_due_at = 0.0
        self._disks: Readings | None = None
        self._disks_due_at = 0.0
        self._looking: asyncio.Task[Readings] | None = None

    @property
    def is_connected(self) -> bool:
        return all(session.connected for session in self._sessions)

    async def look(self, read: Mapping[FileId, int]) -> dict[Measure, Readings]:
        """What can be told now; a measure that cannot is left out. ``read``: see :class:`LedgerLag`."""
        at = self._clock()
        if self.is_connected:
            self._connected_at = at
        found: dict[Measure, Readings] = {
            Measure.PBX_AWAY: {self._pbx: Reading(at - self._connected_at)},
            Measure.LEDGER_LAG: {self._pbx: Reading(self._lag.lag_seconds(self._ledger_sizes(), read, at))},
        }
        await self._look_at_trunk(at)
        if self._trunk is not None:
            found[Measure.TRUNK_DOWN] = {self._pbx: Reading(self._trunk)}
        self._look_at_disks(at)
        if self._disks is not None:
            found[Measure.DISK_FREE] = self._disks
        return found

    def _ledger_sizes(self) -> dict[FileId, int]:
        sizes = {}
        for path in (self._settings.ledger_file, self._settings.queue_log_file):
            try:
                found = path.stat()
            except OSError:
                continue
            sizes[found.st_dev, found.st_ino] = found.st_size
        return sizes

    async def _look_at_trunk(self, at: float) -> None:
        """Asterisk's last word about the trunk; None: it has not asked yet, or cannot be asked."""
        if not self._settings.trunk_watch_seconds or not self.is_connected:
            self._trunk = None
            return
        if at < self._trunk_due_at:
            return
        self._trunk_due_at = at + TRUNK_SECONDS
        try:
            rows = await self._commands.send_list("PJSIPShowEndpoint", {"Endpoint": WATCHED_TRUNK}, timeout_seconds=2)
        except (AmiUnavailable, AmiTimeout, AmiActionFailed) as error:
            log.info("trunk_not_asked", reason=type(error).__name__)
            self._trunk = None
            return
        self._trunk = trunk_state(rows)

    def _look_at_disks(self, at: float) -> None:
        if self._looking is not None and self._looking.done():
            self._disks = self._looking.result()
            self._looking = None
        if self._looking is None and at >= self._disks_due_at:
            self._disks_due_at = at + DISK_SECONDS
            self._looking = asyncio.create_task(asyncio.to_thread(free_space, self._pbx, volumes(self._settings)))


def trunk_state(rows: Sequence[Mapping[str, str]]) -> float | None:
    """0: somebody answered; 1: nobody; None: it has not been asked yet. Of the rows of PJSIPShowEndpoint."""
    states = [row.get("Status", "") for row in rows if row.get("Event") == "ContactStatusDetail"]
    known = [_REACHABLE[state] for state in states if state in _REACHABLE]
    return min(known, default=None)


def volumes(settings: Settings) -> dict[str, Path]:
    """What is kept where; the database only where it is ours."""
    found = {"recordings": settings.recordings_dir, "ledger": settings.ledger_file.parent}
    return found if settings.database_url else found | {"database": settings.state_dir / "postgres"}


def free_space(pbx: str, places: Mapping[str, Path]) -> Readings:
    """Per cent of each volume that is free; one that is not there (yet) is left out. Blocking."""
    found = {}
    for name, path in places.items():
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            continue
        found[f"{pbx}:{name}"] = Reading(round(100 * usage.free / usage.total, 2) if usage.total else None)
    return found
