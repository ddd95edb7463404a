"""Promise to call the caller back when it is their turn."""

from typing import Annotated
from uuid import UUID

import structlog
from pydantic import Field

from callcenter.asterisk import variables
from callcenter.asterisk.queue_names import is_personal
from callcenter.callbacks.service import CallbackWish, priority_at
from callcenter.ivr.call import CallContext
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.line import Sound, Spoken
from callcenter.ivr.steps.base import BranchingStep, Name, Whole

log = structlog.get_logger(__name__)

ACCEPTED, DECLINED, UNAVAILABLE = "accepted", "declined", "unavailable"
_THIS_NUMBER, _OTHER_NUMBER, _RIGHT = "1", "2", "1"
_LAST_DIGITS = 4
_MAX_DIGITS = 20
_DIGIT_SECONDS = 1.0


class Callback(BranchingStep):
    """The caller may hang up and keeps the place in the queue that the call waited in last.

    Reads out the end of the caller's number and takes 1 for it, or 2 and another number, which is read back whole;
    any other key, or silence, is ``declined``. Outcomes: ``accepted`` (goodbye is said), ``declined`` and
    ``unavailable`` (the queue grants none, too many are open, no number of use, the database does not answer: back to
    the queue, at the old place)::

        call_back: {callback: ask_callback,
                    outcomes: {accepted: bye, declined: consultation, unavailable: consultation}}
    """

    kind = "callback"
    required_outcomes = frozenset({ACCEPTED, DECLINED, UNAVAILABLE})
    caller_actions = frozenset({ACCEPTED})

    callback: Name
    choose_prompt: Name = "callback_choose"
    other_number_prompt: Name = "callback_other_number"
    number_is_prompt: Name = "callback_number_is"
    confirm_prompt: Name = "callback_confirm"
    invalid_prompt: Name = "callback_number_invalid"
    accepted_prompt: Name = "callback_accepted"
    unavailable_prompt: Name = "callback_unavailable"
    attempts: Annotated[Whole, Field(ge=1, le=5)] = 3
    timeout_seconds: Annotated[Whole, Field(ge=1, le=20)] = 6

    def prompt_ids(self) -> tuple[str, ...]:
        return (
            self.callback,
            self.choose_prompt,
            self.other_number_prompt,
            self.number_is_prompt,
            self.confirm_prompt,
            self.invalid_prompt,
            self.accepted_prompt,
            self.unavailable_prompt,
        )

    async def run(self, call: CallContext) -> str:
        desk = call.services.callback_desk
        queue = await call.line.get_variable(variables.QUEUE)
        try:
            if not await desk.is_offered(queue):
                return await self._refuse(call)
            number = await self._ask_number(call)
            if number is None:
                return DECLINED
            if not number or not await desk.request(await _wish(call, queue, number)):
                return await self._refuse(call)
        except DatabaseAway as error:
            log.warning("callback_not_taken", uniqueid=call.line.uniqueid, reason=error.message)
            return await self._refuse(call)
        await call.line.say([self.accepted_prompt])
        return ACCEPTED

    async def _refuse(self, call: CallContext) -> str:
        await call.line.say([self.unavailable_prompt])
        return UNAVAILABLE

    async def _ask_number(self, call: CallContext) -> str | None:
        """The number to call; None: none is wanted; ``""``: none that was given is of use."""
        own = call.services.callback_desk.callable_number(call.caller.e164)
        if own is None:
            return await self._ask_other_number(call)
        spoken: list[Spoken] = [self.callback, *_digits(own[-_LAST_DIGITS:]), self.choose_prompt]
        key = await call.line.ask_key(spoken, self.timeout_seconds)
        if key == _OTHER_NUMBER:
            return await self._ask_other_number(call)
        return own if key == _THIS_NUMBER else None

    async def _ask_other_number(self, call: CallContext) -> str | None:
        for _ in range(self.attempts):
            typed = await call.line.ask_digits(
                self.other_number_prompt, max_digits=_MAX_DIGITS, timeout_seconds=self.timeout_seconds
            )
            digits = typed.get_secret_value()
            if not digits:
                return None
            number = call.services.callback_desk.callable_number(digits)
            if number is None:
                await call.services.callback_desk.report_not_callable(digits, call.caller.e164)
                await call.line.say([self.invalid_prompt])
                continue
            spoken: list[Spoken] = [self.number_is_prompt, *_digits(digits), self.confirm_prompt]
            if await call.line.ask_key(spoken, self.timeout_seconds) == _RIGHT:
                return number
        return ""


async def _wish(call: CallContext, queue: str, number: str) -> CallbackWish:
    line, caller = call.line, call.caller
    priority = await line.get_variable(variables.PRIORITY)
    app_queue = await line.get_variable(variables.APP_QUEUE)
    head_start_seconds = caller.head_start_seconds if caller.verified else 0
    return CallbackWish(
        queue_name=queue,
        app_queue="" if is_personal(app_queue) else app_queue,
        # who was never let into a queue stands where they would stand now
        priority=int(priority) if priority.isdecimal() else priority_at(call.clock()) + head_start_seconds,
        e164=number,
        language=line.language,
        did=await line.get_variable(variables.DID),
        requested_from=caller.e164,
        patient_id=UUID(caller.patient_id) if caller.patient_id else None,
        call_id=line.uniqueid,
    )


def _digits(number: str) -> list[Spoken]:
    return [Sound(f"digits/{digit}", _DIGIT_SECONDS) for digit in number]
