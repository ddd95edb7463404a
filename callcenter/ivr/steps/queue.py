"""Hand the call to a queue of agents."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.conversation_recording import settle_recording
from callcenter.ivr.queue_guide import QueueClosed, QueuePlan, Waiter
from callcenter.ivr.steps.base import Handover, ParkingStep, QueueName, Whole

ANSWERED, OVERFLOWED, KEY, CLOSED = "answered", "overflowed", "key", "closed"
MAX_VISITS = 10
"""Queue visits of one call: so often a chain that is changed under a caller may lead on."""

_ANSWERED_STATUS, _KEY_STATUS = "CONTINUE", "KEY"
"""QUEUESTATUS after Queue() with option c (asterisk-facts), and the dialplan's own word for a key."""
_LEADS_ON = frozenset({"TIMEOUT", "FULL", "JOINEMPTY", "JOINUNAVAIL", "LEAVEEMPTY", "LEAVEUNAVAIL", "UNKNOWN"})
"""After these the caller goes on waiting in the next queue of the chain."""


class Queue(ParkingStep):
    """Parks the call in a queue; the flow goes on when the dialplan comes back.

    While nobody answers, the caller goes along the queue's overflow chain and keeps the place. Outcomes: ``answered``
    (the agent has hung up), ``overflowed`` (the chain is at its end, or a person took the caller out), ``closed``
    (outside the queue's hours; ``overflowed`` where a flow does not route it), a digit (a key of the queue's that the
    flow routes), ``key`` (any other key). A caller who hangs up is a fact in the ledger, no outcome.
    ``max_wait_seconds``: in the first queue, instead of its own. A VIP's head start counts only after the check code:
    a forged number gains nothing. What the queue's policy has recorded, the caller is told of before::

        consultation: {queue: consultation, outcomes: {answered: bye, overflowed: sorry, key: menu, "1": call_back}}
    """

    kind = "queue"
    required_outcomes = frozenset({ANSWERED, OVERFLOWED, KEY})

    queue: QueueName
    max_wait_seconds: Annotated[Whole, Field(ge=1, le=86_400)] | None = None

    def queue_name(self) -> str:
        return self.queue

    def allows(self, outcome: str) -> bool:
        return outcome in self.required_outcomes or outcome == CLOSED or self.is_caller_action(outcome)

    def is_caller_action(self, outcome: str) -> bool:
        return outcome == KEY or (len(outcome) == 1 and outcome in "0123456789")

    async def run(self, call: CallContext) -> str | Handover:
        plan = await call.services.queues.plan(self.queue, await _waiter(call))
        if isinstance(plan, QueueClosed):
            return CLOSED if CLOSED in self.outcomes else OVERFLOWED
        if plan is None:
            return OVERFLOWED
        own_wait = self.max_wait_seconds if plan.queue == self.queue else None
        return await _park(call, plan, own_wait or plan.max_wait_seconds)

    async def resume(self, call: CallContext, result: str) -> str | Handover:
        if result == _ANSWERED_STATUS:
            return ANSWERED
        if result == _KEY_STATUS:
            key = await call.line.get_variable(variables.KEY)
            return key if key in self.outcomes else KEY
        if result in _LEADS_ON and not await _has_gone_far(call):
            left = await call.line.get_variable(variables.QUEUE)
            plan = await call.services.queues.plan_overflow(left, await _waiter(call))
            if plan is not None:
                return await _park(call, plan, plan.max_wait_seconds)
        return OVERFLOWED


async def _waiter(call: CallContext) -> Waiter:
    caller = call.caller
    patient_id = UUID(caller.patient_id) if caller.verified and caller.patient_id else None
    return Waiter(caller.e164, patient_id, against=await call.line.get_variable(variables.AGAINST))


async def _has_gone_far(call: CallContext) -> bool:
    visits = await call.line.get_variable(variables.VISIT)
    return visits.isdecimal() and int(visits) >= MAX_VISITS


async def _park(call: CallContext, plan: QueuePlan, max_wait_seconds: int) -> Handover:
    head_start_seconds = call.caller.head_start_seconds if call.caller.verified else 0
    announced = await call.services.announcements.of_queue(plan.queue, call.line.language)
    if announced:
        await call.line.say_until_key(announced)  # any key: on to the person
    return Handover(
        variables.DO_QUEUE,
        {
            variables.QUEUE: plan.queue,
            variables.APP_QUEUE: plan.app_queue,
            variables.OWN_QUEUE: plan.own_queue,
            variables.OWN_SECONDS: str(plan.own_seconds),
            variables.QUEUE_TIMEOUT: str(max_wait_seconds),
            variables.HEAD_START: str(head_start_seconds),
            **await settle_recording(call, plan.recording),
        },
    )
