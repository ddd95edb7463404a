"""Take a complaint."""

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, OneWayStep, Yes


class Complaint(OneWayStep):
    """Says in the ledger that this call is a complaint: it becomes a work order, whoever ends the call and however.

    ``take_complaint: {complaint: true, next: complaint_queue}``
    """

    kind = "complaint"

    complaint: Yes

    async def run(self, call: CallContext) -> str:
        await call.line.event(variables.EVENT_COMPLAINT, {"patient": call.caller.patient_id})
        return NEXT
