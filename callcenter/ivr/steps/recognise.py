"""Look the caller up by number."""

from collections.abc import Iterable
from typing import Literal

import structlog

from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.steps.base import BranchingStep, Yes
from callcenter.patients.service import RecognisedPatient
from callcenter.speech.languages import LANGUAGES

log = structlog.get_logger(__name__)

UNKNOWN = "unknown"


class Recognise(BranchingStep):
    """Selects a greeting and a way; grants nothing, since a number can be forged (domain.md, A1).

    ``set_language``: from now on the caller hears the language that stands in the record, if all patients of the
    number have the same. Outcomes: ``vip`` (a patient of this number has a VIP grade), ``known``, ``unknown``
    (also when the database does not answer)::

        who: {recognise: caller, outcomes: {vip: code, known: menu, unknown: menu}}
    """

    kind = "recognise"
    required_outcomes = frozenset({"vip", "known", UNKNOWN})

    recognise: Literal["caller"]
    set_language: Yes | None = None

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
        if self.set_language:
            await _speak_their_language(call, identity.patients)
        return "vip" if grade else "known"


async def _speak_their_language(call: CallContext, patients: Iterable[RecognisedPatient]) -> None:
    spoken = {patient.language for patient in patients}
    for language in LANGUAGES:
        if spoken == {language} and language != call.line.language:
            await call.line.set_language(language)
