"""Take a spoken remark."""

from typing import Annotated

from pydantic import Field

from callcenter.ivr.call import CallContext
from callcenter.ivr.recording import REMARK, record_caller
from callcenter.ivr.steps.base import NEXT, Name, OneWayStep, Whole


class Remark(OneWayStep):
    """What the caller wants to say about the service, after the tone; kept with the call, for nobody to answer.

    Asked once; a key skips the prompt or ends the remark, five seconds of silence end it too::

        remark: {remark: ask_remark, max_seconds: 60, next: bye}
    """

    kind = "remark"

    remark: Name
    max_seconds: Annotated[Whole, Field(ge=5, le=600)] = 60
    thanks_prompt: Name = "remark_thanks"

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.remark, self.thanks_prompt)

    async def run(self, call: CallContext) -> str:
        await call.line.say_until_key([self.remark])
        if await record_caller(call, REMARK, max_seconds=self.max_seconds):
            await call.line.say([self.thanks_prompt])
        return NEXT
