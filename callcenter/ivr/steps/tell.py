"""Say what a campaign has for this person."""

from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import StepImpossible
from callcenter.ivr.steps.base import NEXT, Name, OneWayStep, Yes


class Tell(OneWayStep):
    """Plays a text of the campaign, with what it says of this very person; only in calls that a campaign makes.

    ``interruptible``: a key cuts it short and answers the menu that follows::

        greet: {tell: greeting, interruptible: true, next: are_you}
    """

    kind = "tell"

    tell: Name
    interruptible: Yes | None = None

    async def run(self, call: CallContext) -> str:
        sounds = call.out_call.texts.get(self.tell) if call.out_call else None
        if not sounds:
            raise StepImpossible(f"the campaign has no text {self.tell}")
        if self.interruptible:
            call.typed_ahead = await call.line.say_until_key(sounds)
        else:
            await call.line.say(sounds)
        return NEXT
