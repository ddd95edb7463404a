"""Write down what the person says of the appointment that they were called about."""

from typing import Literal

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, OneWayStep


class Appointment(OneWayStep):
    """``confirm``, ``cancel`` or ``change`` (another time is wanted): written into the ledger, and from there back to
    the appointment, whatever is away at this moment::

        confirmed: {appointment: confirm, next: thanks}
    """

    kind = "appointment"

    appointment: Literal["confirm", "cancel", "change"]

    async def run(self, call: CallContext) -> str:
        await call.line.event(variables.EVENT_APPOINTMENT, {"action": self.appointment})
        return NEXT
