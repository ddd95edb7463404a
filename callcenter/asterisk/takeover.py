"""Before a new engine acts on a PBX: the sessions of whoever acted before are ended by Asterisk itself.

A frozen engine still holds its sessions, and what it had written but not sent yet would be done when it wakes up. Once
Asterisk has closed them it can be told nothing any more, whenever it wakes.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import NamedTuple

import structlog

from callcenter.asterisk.errors import AmiActionFailed
from callcenter.asterisk.manager import AmiSession

log = structlog.get_logger(__name__)

ACCOUNTS = frozenset({"cc_commands", "cc_events"})
"""Of the engines (manager.conf)."""
ENDED_WITHIN_SECONDS = 5.0
_POLL_SECONDS = 0.05
# name, address, start (Unix seconds), seconds since, file descriptor
_CONNECTED = re.compile(r"^\s*(\S+)\s+\S+\s+(\d+)\s+\d+\s+(\d+)\s")


class ConnectedSession(NamedTuple):
    """One line of ``manager show connected``."""

    started_at: int
    account: str
    file_descriptor: int


async def end_other_sessions(ami: AmiSession) -> int:
    """End all engines' sessions but ``ami``, the newest; returns how many there were.

    Two that began in the same second cannot be told apart: if it is ``ami`` that goes, this raises AmiUnavailable, and
    the next attempt is newer. Raises AmiTimeout; AmiActionFailed when one does not end.
    """
    ended: set[ConnectedSession] = set()
    try:
        async with asyncio.timeout(ENDED_WITHIN_SECONDS):
            while others := sorted(read_sessions(await ami.command("manager show connected")))[:-1]:
                for other in others:
                    if other not in ended:
                        await ami.command(f"manager kick session {other.file_descriptor}")
                        ended.add(other)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise AmiActionFailed("A session of another engine does not end.") from None
    if ended:
        log.warning("ami_sessions_taken_over", sessions=len(ended))
    return len(ended)


def read_sessions(lines: Iterable[str]) -> list[ConnectedSession]:
    """The engines' sessions among what Asterisk's console lists."""
    found = (_CONNECTED.match(line) for line in lines)
    sessions = [ConnectedSession(int(one[2]), one[1], int(one[3])) for one in found if one]
    return [session for session in sessions if session.account in ACCOUNTS]
