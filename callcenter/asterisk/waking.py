"""Waiting callers freed from a wait that the clock has made too long."""

from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.snapshot import read_queues

_WAKING = "stop"
"""Meant for a playback. app_queue takes it for a key that leads nowhere, and looks anew. (A real key would not do:
Asterisk drops those that seem to come before the caller's last one.)"""


async def wake_waiting(ami: AmiSession) -> None:
    """Every waiting caller's turn is looked at now.

    app_queue waits a second between two looks, by the wall clock: set back, that second lasts as long as the step, and
    the caller is passed over all the while (seen on Asterisk 22.10). A control frame ends the wait at once.
    Raises AmiUnavailable, AmiTimeout; a caller who has just left is no fault.
    """
    _, entries = await read_queues(ami)
    for entry in entries:
        await ami.send("ControlPlayback", {"Channel": entry.channel, "Control": _WAKING})
