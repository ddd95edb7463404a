"""Ask for the check code of the visit card."""

from typing import Annotated

import structlog
from pydantic import Field

from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import BranchingStep, Name, Whole
from callcenter.patients.service import RecognisedPatient

log = structlog.get_logger(__name__)

VERIFIED, REFUSED, SKIPPED = "verified", "refused", "skipped"


class CheckCode(BranchingStep):
    """The proof that the caller is the patient: from here on VIP benefits count.

    Outcomes: ``verified``, ``refused`` (no attempt was right, or the database does not answer), ``skipped``
    (``#`` alone, or silence). The digits never leave this step::

        code: {check_code: ask_check_code, attempts: 3,
               outcomes: {verified: vip, refused: menu, skipped: menu}}
    """

    kind = "check_code"
    required_outcomes = frozenset({VERIFIED, REFUSED, SKIPPED})
    caller_actions = frozenset({VERIFIED})

    check_code: Name
    attempts: Annotated[Whole, Field(ge=1, le=5)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 5
    max_digits: Annotated[Whole, Field(ge=6, le=12)] = 12
    refused_prompt: Name = "code_refused"

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.check_code, self.refused_prompt)

    async def run(self, call: CallContext) -> str:
        e164 = call.caller.e164
        if e164 is None:
            return REFUSED  # a code belongs to a card of a patient of this number
        for _ in range(self.attempts):
            code = await call.line.ask_digits(
                self.check_code, max_digits=self.max_digits, timeout_seconds=self.timeout_seconds
            )
            if not code.get_secret_value():
                return SKIPPED
            try:
                patient = await call.services.callers.verify(e164, code)
            except DatabaseAway as error:
                log.warning("check_code_not_verified", uniqueid=call.line.uniqueid, reason=error.message)
                return REFUSED
            if patient is not None:
                await call.identify(_verified(e164, patient))
                return VERIFIED
            await call.line.say([self.refused_prompt])
        return REFUSED


def _verified(e164: str, patient: RecognisedPatient) -> Caller:
    """A family member who enters the card of the deceased has proved whose card it is, and inherits no benefit."""
    is_vip = patient.vip_grade is not None and not patient.deceased
    return Caller(
        e164=e164,
        patient_id=str(patient.id),
        grade=(patient.vip_grade or "") if is_vip else "",
        verified=True,
        head_start_seconds=patient.head_start_seconds if is_vip else 0,
    )
