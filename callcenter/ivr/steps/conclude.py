"""Say what came of a campaign's call."""

from typing import Literal

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, OneWayStep


class Conclude(OneWayStep):
    """Writes into the ledger what this call came to; the last one counts. Without it a call that was answered has
    been hung up early, or nothing was keyed in::

        done: {conclude: completed, next: goodbye}
    """

    kind = "conclude"

    conclude: Literal["completed", "answered_no_input", "wrong_person", "machine", "opted_out"]

    async def run(self, call: CallContext) -> str:
        await call.line.event(variables.EVENT_CONCLUDE, {"outcome": self.conclude})
        return NEXT
