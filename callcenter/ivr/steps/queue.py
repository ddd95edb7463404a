"""Hand the call to a queue of agents."""

from typing import Annotated

from pydantic import Field

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import BranchingStep, Handover, QueueName, Whole

ANSWERED, OVERFLOWED, KEY = "answered", "overflowed", "key"

_OUTCOME_OF_STATUS = {"CONTINUE": ANSWERED, "KEY": KEY}
"""QUEUESTATUS after Queue() with option c (asterisk-facts); every other one is a stay that no agent ended."""


class Queue(BranchingStep):
    """Parks the call in a queue; the flow goes on when the dialplan comes back.

    Outcomes: ``answered`` (the agent has hung up), ``overflowed`` (timeout, full, nobody there, withdrawn),
    ``key`` (left by a key). A caller who hangs up is a fact in the ledger, no outcome. A VIP's head start
    counts only after the check code: a forged number gains nothing::

        consultation: {queue: consultation, max_wait_seconds: 600,
                       outcomes: {answered: bye, overflowed: sorry, key: menu}}
    """

    kind = "queue"
    parks = True
    required_outcomes = frozenset({ANSWERED, OVERFLOWED, KEY})
    caller_actions = frozenset({KEY})

    queue: QueueName
    max_wait_seconds: Annotated[Whole, Field(ge=1, le=86_400)]

    def queue_name(self) -> str:
        return self.queue

    async def resume(self, call: CallContext, result: str) -> str | Handover:
        return _OUTCOME_OF_STATUS.get(result, OVERFLOWED)

    async def run(self, call: CallContext) -> Handover:
        head_start_seconds = call.caller.head_start_seconds if call.caller.verified else 0
        return Handover(
            variables.DO_QUEUE,
            {
                variables.QUEUE: self.queue,
                variables.QUEUE_TIMEOUT: str(self.max_wait_seconds),
                variables.HEAD_START: str(head_start_seconds),
            },
        )
