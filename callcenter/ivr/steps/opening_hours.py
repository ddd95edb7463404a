"""Go on as the hours of a service say."""

from callcenter.ivr.call import CallContext
from callcenter.ivr.line import Spoken
from callcenter.ivr.steps.base import BranchingStep, QueueName

CLOSURE = "closure"
CLOSED_EMERGENCY = "closed_emergency"


class OpeningHours(BranchingStep):
    """Asks whether a schedule is open now (docs/decisions/0018-hours-and-closures.md).

    Outcomes: ``open`` (also when the database does not answer, or knows no such schedule), ``outside_hours``,
    ``holiday``, ``special_day`` (closed by hours entered for this day), ``closure`` (an emergency; its announcement
    has been played then, or ``closed_emergency`` while its audio is not ready)::

        hours: {opening_hours: office,
                outcomes: {open: queue, outside_hours: closed, holiday: closed, special_day: closed, closure: bye}}
    """

    kind = "opening_hours"
    required_outcomes = frozenset({"open", "outside_hours", "holiday", "special_day", CLOSURE})

    opening_hours: QueueName

    def prompt_ids(self) -> tuple[str, ...]:
        return (CLOSED_EMERGENCY,)

    async def run(self, call: CallContext) -> str:
        hours = call.services.hours
        opening = await hours.opening(self.opening_hours)
        if opening.closure_id is not None:
            sound = await hours.find_announcement(opening.closure_id, call.line.language)
            announcement: Spoken = sound or CLOSED_EMERGENCY
            await call.line.say([announcement])
        return opening.state
