"""Start recording the call."""

from typing import Literal

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, OneWayStep


class Record(OneWayStep):
    """What caller and agent say from now on is recorded, once per call; the caller must have been told before.

    ``tape: {record: complaint, next: take_complaint}``
    """

    kind = "record"

    record: Literal["complaint"]

    async def run(self, call: CallContext) -> str:
        if await call.line.get_variable(variables.RECORDING) == self.record:
            return NEXT
        day = call.clock().strftime("%Y%m%d")
        file = variables.recording_file(self.record, day, call.line.uniqueid, form=variables.RAW)
        await call.line.start_recording(file)
        await call.line.set_variable(variables.RECORDING, self.record)
        await call.line.event(variables.EVENT_RECORD, {"purpose": self.record, "day": day, "form": variables.RAW})
        return NEXT
