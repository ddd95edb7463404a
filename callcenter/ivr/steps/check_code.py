"""Ask for the check code of the visit card."""

from typing import Annotated

import structlog
from pydantic import Field

from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.callers import Refusal, Verification
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import BranchingStep, Name, Whole
from callcenter.patients.code_guard import Origin
from callcenter.patients.service import RecognisedPatient

log = structlog.get_logger(__name__)

VERIFIED, REFUSED, SKIPPED, LOCKED, EMERGENCY = "verified", "refused", "skipped", "locked", "emergency"
EMERGENCY_KEY = "*"


class CheckCode(BranchingStep):
    """The proof that the caller is the patient: from here on VIP benefits count.

    Outcomes: ``verified``, ``refused`` (no attempt was right, or the database does not answer), ``skipped``
    (``#`` alone, or silence), ``locked`` (too many codes were wrong of late, so none is taken: lead it to a
    person). If ``emergency`` is routed, ``*`` as the first key ends the step with it, at any attempt. The digits
    never leave this step::

        code: {check_code: ask_check_code, attempts: 3,
               outcomes: {verified: vip, refused: menu, skipped: menu, locked: person, emergency: alarm}}
    """

    kind = "check_code"
    required_outcomes = frozenset({VERIFIED, REFUSED, SKIPPED, LOCKED})
    caller_actions = frozenset({VERIFIED, EMERGENCY})

    check_code: Name
    attempts: Annotated[Whole, Field(ge=1, le=5)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 5
    max_digits: Annotated[Whole, Field(ge=6, le=12)] = 12
    refused_prompt: Name = "code_refused"

    def allows(self, outcome: str) -> bool:
        return outcome in self.required_outcomes or outcome == EMERGENCY

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.check_code, self.refused_prompt)

    async def run(self, call: CallContext) -> str:
        if call.caller.e164 is None:
            return REFUSED  # a code belongs to a card of a patient of this number
        origin = await origin_of(call)
        emergency_key = EMERGENCY_KEY if EMERGENCY in self.outcomes else ""
        for _ in range(self.attempts):
            code = await call.line.ask_digits(
                self.check_code,
                max_digits=self.max_digits,
                timeout_seconds=self.timeout_seconds,
                alone=emergency_key,
            )
            if not code.get_secret_value():
                return SKIPPED
            if code.get_secret_value() == emergency_key:
                return EMERGENCY
            try:
                verification = await call.services.callers.verify(origin, code)
            except DatabaseAway as error:
                log.warning("check_code_not_verified", uniqueid=call.line.uniqueid, reason=error.message)
                return REFUSED
            if outcome := await outcome_of(call, verification):
                return outcome
            await call.line.say([self.refused_prompt])
        return REFUSED


async def origin_of(call: CallContext) -> Origin:
    """Where this call's guesses are counted."""
    trunk = await call.line.get_variable("CHANNEL(endpoint)")  # of the one this channel came in by
    return Origin(call.caller.e164, trunk)


async def outcome_of(call: CallContext, verification: Verification) -> str | None:
    """``verified`` (and from now on the caller is that patient) or ``locked``; None: wrong, to be asked again."""
    if verification is Refusal.LOCKED:
        return LOCKED
    if isinstance(verification, RecognisedPatient):
        await call.identify(_verified_caller(call.caller.e164, verification))
        return VERIFIED
    return None


def _verified_caller(e164: str | None, patient: RecognisedPatient) -> Caller:
    """A family member who enters the card of the deceased has proved whose card it is, and inherits no benefit."""
    is_vip = patient.vip_grade is not None and not patient.deceased
    return Caller(
        e164=e164,
        patient_id=str(patient.id),
        grade=(patient.vip_grade or "") if is_vip else "",
        verified=True,
        head_start_seconds=patient.head_start_seconds if is_vip else 0,
    )
