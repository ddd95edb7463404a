"""Look the caller up by number."""

from typing import Literal

import structlog

from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import BranchingStep

log = structlog.get_logger(__name__)

UNKNOWN = "unknown"


class Recognise(BranchingStep):
    """Selects a greeting and a way; grants nothing, since a number can be forged (domain.md, A1).

    Outcomes: ``vip`` (a patient of this number has a VIP grade), ``known``, ``unknown`` (also when the
    database does not answer)::

        who: {recognise: caller, outcomes: {vip: code, known: menu, unknown: menu}}
    """

    kind = "recognise"
    required_outcomes = frozenset({"vip", "known", UNKNOWN})

    recognise: Literal["caller"]

    async def run(self, call: CallContext) -> str:
        if call.caller.verified:  # a hint cannot add to a proof
            return "vip" if call.caller.grade else "known"
        try:
            identity = await call.services.callers.recognise(call.caller.e164)
        except DatabaseAway as error:
            log.warning("caller_not_recognised", uniqueid=call.line.uniqueid, reason=error.message)
            return UNKNOWN
        if not identity.patients:
            return UNKNOWN
        # a family's number: which of them calls is not known
        patient_id = str(identity.patients[0].id) if len(identity.patients) == 1 else ""
        grade = identity.vip_grade or ""
        await call.identify(Caller(e164=call.caller.e164, patient_id=patient_id, grade=grade))
        return "vip" if grade else "known"
