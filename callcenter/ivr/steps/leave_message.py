"""Take a message for a queue."""

from typing import Annotated

from pydantic import Field

from callcenter.calls.recordings import MESSAGE
from callcenter.ivr.call import CallContext
from callcenter.ivr.recording import record_caller
from callcenter.ivr.steps.base import BranchingStep, Name, QueueName, Whole

RECORDED, EMPTY = "recorded", "empty"
_ATTEMPTS = 2


class LeaveMessage(BranchingStep):
    """The caller speaks after the tone; the queue's agents get it as a work order, however the call ends.

    A key skips the prompt or ends the message, five seconds of silence end it too. Outcomes: ``recorded``
    (``saved_prompt`` was said), ``empty`` (nothing was heard, twice)::

        message: {leave_message: message_intro, queue: consultation, max_seconds: 120,
                  outcomes: {recorded: bye, empty: bye}}
    """

    kind = "leave_message"
    required_outcomes = frozenset({RECORDED, EMPTY})

    leave_message: Name
    queue: QueueName
    max_seconds: Annotated[Whole, Field(ge=5, le=600)] = 120
    again_prompt: Name = "message_again"
    saved_prompt: Name = "message_saved"

    def prompt_ids(self) -> tuple[str, ...]:
        return (self.leave_message, self.again_prompt, self.saved_prompt)

    def queue_name(self) -> str:
        return self.queue

    async def run(self, call: CallContext) -> str:
        prompt = self.leave_message
        for _ in range(_ATTEMPTS):
            await call.line.say_until_key([prompt])
            if await record_caller(call, MESSAGE, max_seconds=self.max_seconds, queue=self.queue):
                await call.line.say([self.saved_prompt])
                return RECORDED
            prompt = self.again_prompt
        return EMPTY
