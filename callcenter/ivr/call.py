"""One call while a flow runs: the telephone, and what is known of the caller so far."""

from dataclasses import dataclass

from callcenter.asterisk import variables
from callcenter.core.clock import Clock, now
from callcenter.ivr.campaign_calls import CampaignCall
from callcenter.ivr.line import Line
from callcenter.ivr.services import FlowServices


@dataclass(frozen=True, slots=True)
class Caller:
    """What one call knows of its caller. All but ``verified`` ones are hints: a caller's number can be forged."""

    e164: str | None = None
    patient_id: str = ""
    grade: str = ""
    verified: bool = False
    """A right check code was entered on this call."""
    head_start_seconds: int = 0
    """Of the verified patient; 0 before."""


@dataclass(slots=True)
class CallContext:
    """What a step works with. Kept from one AGI visit to the next in channel variables."""

    line: Line
    services: FlowServices
    caller: Caller
    clock: Clock = now
    out_call: CampaignCall | None = None
    """Of a call that a campaign makes."""
    typed_ahead: str = ""
    """A key that cut an announcement short: the answer to the menu that follows it."""

    async def identify(self, caller: Caller) -> None:
        """From now on the caller is taken for this one; the ledger is told (no number, no name)."""
        self.caller = caller
        await self.line.add_to_way(
            variables.EVENT_WHO,
            {"patient": caller.patient_id, "grade": caller.grade, "verified": "1" if caller.verified else "0"},
        )
