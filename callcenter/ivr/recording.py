"""Recording the caller alone: what must never be lost stands in the ledger before the tone sounds."""

from callcenter.asterisk import variables
from callcenter.calls.recordings import HEARD_FROM_SECONDS
from callcenter.ivr.call import CallContext

REMARK = "remark"
SILENCE_SECONDS = 5
"""So long a silence ends a recording; Asterisk leaves one second of it in the file."""


async def record_caller(call: CallContext, purpose: str, *, max_seconds: int, queue: str = "") -> bool:
    """A tone, then what the caller says, into a file of its own; whether there was anything to hear.

    ``queue``: whose message it is. Raises CallerHungUp as ever: file and ledger have what was said until then.
    """
    number = await _next_number(call)
    day = call.clock().strftime("%Y%m%d")
    about = {"purpose": purpose, "day": day, "number": str(number)} | ({"queue": queue} if queue else {})
    await call.line.event(variables.EVENT_RECORD, about)
    if queue:
        message = {"queue": queue, "patient": call.caller.patient_id, "number": str(number)}
        await call.line.event(variables.EVENT_MESSAGE, message)
    file = variables.recording_file(purpose, day, call.line.uniqueid, number)
    seconds = await call.line.record_message(file, max_seconds=max_seconds, silence_seconds=SILENCE_SECONDS)
    return seconds >= HEARD_FROM_SECONDS


async def _next_number(call: CallContext) -> int:
    """Counted on the channel, so that a later visit of this call overwrites nothing either."""
    recorded = await call.line.get_variable(variables.RECORDED)
    number = (int(recorded) if recorded.isdecimal() else 0) + 1
    await call.line.set_variable(variables.RECORDED, str(number))
    return number
