"""Play prompts."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, Name, OneWayStep, Yes


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Say(OneWayStep):
    """Plays one prompt, or several in order, to the end.

    ``interruptible``: a key cuts it short and is the first answer to the menu that follows; without it everybody
    hears the whole (that a call is recorded, what it costs)::

        greet: {say: [greeting, news], interruptible: true, next: who}
    """

    kind = "say"

    say: Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(min_length=1, max_length=10)]
    interruptible: Yes | None = None

    def prompt_ids(self) -> tuple[str, ...]:
        return self.say

    async def run(self, call: CallContext) -> str:
        if self.interruptible and call.typed_ahead:
            return NEXT  # an emergency announcement was cut short: the key answers the menu
        if self.interruptible:
            call.typed_ahead = await call.line.say_until_key(self.say)
        else:
            await call.line.say(self.say)
        return NEXT
