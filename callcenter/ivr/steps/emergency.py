"""Call for help."""

from dataclasses import replace

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, OneWayStep, Yes

HEAD_START_SECONDS = 86_400
"""A day: nobody waits in a queue for longer, so whoever has it is the next to be served."""


class Emergency(OneWayStep):
    """Says in the ledger that the caller needs help now: an alarm stands while the call goes on, however it ends.

    A VIP whose check code was right is the next to be served in the queue that follows, also when already waiting
    in one. Anybody else keeps the place they have: a number can be forged::

        emergency: {emergency: true, next: person}
    """

    kind = "emergency"

    emergency: Yes

    async def run(self, call: CallContext) -> str:
        caller = call.caller
        verified = "1" if caller.verified else "0"
        await call.line.event(variables.EVENT_EMERGENCY, {"patient": caller.patient_id, "verified": verified})
        if caller.verified and caller.grade:
            call.caller = replace(caller, head_start_seconds=HEAD_START_SECONDS)
            await call.line.set_variable(variables.PRIORITY, "")  # the dialplan computes it anew
        return NEXT
