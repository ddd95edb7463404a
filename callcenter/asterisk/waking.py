"""Waiting callers freed from a wait that the clock has made too long."""

from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.snapshot import read_queues

_NO_KEY = "D"
"""A digit no telephone has and no queue takes: app_queue looks at it, and round again."""


async def wake_waiting(ami: AmiSession) -> None:
    """Every waiting caller's turn is looked at now.

    app_queue waits a second between two looks, by the wall clock: set back, that second lasts as long as the step, and
    the caller is passed over all the while (seen on Asterisk 22.10). A digit ends the wait at once.
    Raises AmiUnavailable, AmiTimeout; a caller who has just left is no fault.
    """
    _, entries = await read_queues(ami)
    for entry in entries:
        await ami.send("PlayDTMF", {"Channel": entry.channel, "Digit": _NO_KEY, "Receive": "true"})
