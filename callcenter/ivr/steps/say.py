"""Play prompts."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, Name, OneWayStep


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Say(OneWayStep):
    """Plays one prompt, or several in order, to the end.

    ``greet: {say: greeting, next: who}`` or ``{say: [greeting, main_menu], next: who}``
    """

    kind = "say"

    say: Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(min_length=1, max_length=10)]

    def prompt_ids(self) -> tuple[str, ...]:
        return self.say

    async def run(self, call: CallContext) -> str:
        await call.line.say(self.say)
        return NEXT
