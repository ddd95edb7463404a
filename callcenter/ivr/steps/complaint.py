"""Take a complaint."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

import structlog

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import NEXT, OneWayStep, Yes

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=30)
"""How long ago a caller talked with the agent they complain of, at most."""


class Complaint(OneWayStep):
    """Says in the ledger that this call is a complaint: it becomes a work order, whoever ends the call and however.

    ``about: last_agent``: it is about the agent who last talked with this caller. That agent is not offered the
    call and sees nothing of it. If nobody is found, or the database does not answer, the complaint names no agent::

        of_agent: {complaint: true, about: last_agent, next: complaint_queue}
    """

    kind = "complaint"

    complaint: Yes
    about: Literal["last_agent"] | None = None

    async def run(self, call: CallContext) -> str:
        complaint = {"patient": call.caller.patient_id}
        # taken first: whoever hangs up while the database looks for the agent has complained all the same
        await call.line.event(variables.EVENT_COMPLAINT, complaint)
        if agent := await self._find_agent(call):
            await call.line.set_variable(variables.AGAINST, agent)
            await call.line.event(variables.EVENT_COMPLAINT, {**complaint, "agent": agent})
        return NEXT

    async def _find_agent(self, call: CallContext) -> str | None:
        if self.about is None:
            return None
        caller = call.caller
        try:
            return await call.services.last_agents.find(
                caller.e164,
                patient_id=UUID(caller.patient_id) if caller.verified and caller.patient_id else None,
                since=call.clock() - LOOK_BACK,
            )
        except DatabaseAway as error:
            log.warning("complaint_names_no_agent", uniqueid=call.line.uniqueid, reason=error.message)
            return None
