"""Call-backs as people see them: asked for, looked at, taken back. How one is carried out: callbacks.placing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.commands import HangUpChannel, request_command
from callcenter.callbacks import queries
from callcenter.callbacks.errors import (
    CallbackBeingDialled,
    CallbackNotFound,
    CallbackNotUnknown,
    CallbackOver,
    CallbackRefused,
    NumberNotCallable,
)
from callcenter.callbacks.models import OPEN_STATES, Callback, CallbackAttempt, CallbackState
from callcenter.callbacks.policy import DEFAULT_RULES, MAX_OPEN_PER_LINE, Rules
from callcenter.callouts import do_not_call
from callcenter.callouts import service as callouts
from callcenter.callouts.service import CallOut
from callcenter.calls.errors import InvalidPeriod
from callcenter.core.audit import Actor, record_audit
from callcenter.core.ids import new_id
from callcenter.core.phone_numbers import NumberPlan
from callcenter.queues import service as queues

_PRIORITY_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_HIGHEST_PRIORITY = 2_147_483_647
"""As the dialplan computes it (docs/decisions/0004)."""


@dataclass(frozen=True, slots=True)
class CallbackWish:
    """What is asked for. ``priority``: QUEUE_PRIO of the call, the place to keep.

    ``app_queue``: Asterisk's name of the queue, where it is another. ``requested_from``: E.164 of the line that asks;
    ``call_id``: the call it asks on; ``requested_by``: a member of staff who asks instead, and has or has not
    ``do_not_call_confirmed`` (callouts.service.CallOut).
    """

    queue_name: str
    priority: int
    e164: str
    language: str
    did: str
    app_queue: str = ""
    requested_from: str | None = None
    patient_id: UUID | None = None
    call_id: str | None = None
    requested_by: str | None = None
    do_not_call_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class CallbackFigures:
    """requested = waiting + completed + failed + expired + cancelled + unknown; ``waiting``: not over yet."""

    waiting: int
    completed: int
    failed: int
    expired: int
    cancelled: int
    unknown: int

    @property
    def requested(self) -> int:
        return self.waiting + self.completed + self.failed + self.expired + self.cancelled + self.unknown


def priority_at(entered_at: datetime) -> int:
    """The place of who enters a queue at this time without a head start."""
    return _HIGHEST_PRIORITY - int((entered_at - _PRIORITY_EPOCH).total_seconds())


async def get_rules(session: AsyncSession, queue_name: str) -> Rules:
    """What the queue grants. Raises QueueNotFound."""
    await queues.get_queue(session, queue_name)
    found = await queries.find_rules(session, queue_name)
    return Rules(found.active, found.expiry_seconds, found.max_open) if found else DEFAULT_RULES


async def put_rules(session: AsyncSession, queue_name: str, rules: Rules) -> None:
    """For call-backs asked for from now on. Raises QueueNotFound."""
    await queues.get_queue(session, queue_name)
    values = {"active": rules.active, "expiry_seconds": rules.expiry_seconds, "max_open": rules.max_open}
    await queries.put_rules(session, queue_name, values)


async def is_offered(session: AsyncSession, queue_name: str) -> bool:
    """Whether the queue takes another call-back now."""
    queue = await queues.get_queue(session, queue_name)
    rules = await get_rules(session, queue_name)
    return queue.active and rules.active and await queries.count_open_of_queue(session, queue_name) < rules.max_open


async def request_callback(
    session: AsyncSession,
    wish: CallbackWish,
    *,
    pbx: str,
    plan: NumberPlan,
    at: datetime,
    not_before: datetime | None = None,
) -> Callback:
    """Promise it. One that is open for this queue and number already is returned as it is: the first place holds.

    Raises QueueNotFound, NumberNotCallable (tell it by :func:`report_not_callable`), OnDoNotCallList, CallbackRefused.
    """
    refusal = await callouts.find_prefix_refusal(session, wish.e164, plan.country)
    if refusal is not None:
        raise NumberNotCallable(reason=refusal.value)
    if await _is_ours(session, wish.e164, plan):
        raise NumberNotCallable(reason="ours")
    await do_not_call.require_callable(session, wish.e164, wish.patient_id, at, confirmed=wish.do_not_call_confirmed)
    kept = await queries.find_open(session, wish.queue_name, wish.e164)
    if kept is not None:
        return kept
    rules = await get_rules(session, wish.queue_name)
    if not await is_offered(session, wish.queue_name):
        raise CallbackRefused(reason="queue")
    for line in {wish.e164, wish.requested_from} - {None}:
        if line and await queries.count_open_of_line(session, line) >= MAX_OPEN_PER_LINE:
            raise CallbackRefused(reason="caller_limit")
    starts_at = max(at, not_before or at)
    callback_id = new_id()
    inserted = await queries.insert_callback(
        session,
        {
            "id": callback_id,
            "pbx": pbx,
            "queue_name": wish.queue_name,
            "app_queue": wish.app_queue or wish.queue_name,
            "priority": wish.priority,
            "e164": wish.e164,
            "requested_from": wish.requested_from,
            "patient_id": wish.patient_id,
            "language": wish.language,
            "did": wish.did,
            "call_id": wish.call_id,
            "requested_by": wish.requested_by,
            "do_not_call_confirmed": wish.do_not_call_confirmed,
            "state": CallbackState.WAITING,
            "tries": 0,
            "next_attempt_at": starts_at,
            "requested_at": at,
            "expires_at": starts_at + timedelta(seconds=rules.expiry_seconds),
        },
    )
    if not inserted:  # the same, at the same moment
        open_one = await queries.find_open(session, wish.queue_name, wish.e164)
        if open_one is None:
            raise CallbackRefused(reason="queue")
        return open_one
    return await get_callback(session, callback_id, scope=())


async def report_not_callable(session: AsyncSession, wanted: CallOut, plan: NumberPlan) -> None:
    """A number was asked for that is not dialled: whoever watches the costs wants to know."""
    refusal = await callouts.find_prefix_refusal(session, wanted.e164, plan.country)
    if refusal is not None:
        await callouts.report_refusal(session, wanted, refusal)


async def _is_ours(session: AsyncSession, e164: str, plan: NumberPlan) -> bool:
    """One of the hotline's own numbers: it would call itself."""
    return e164 in {plan.normalise(number) for number in await queries.list_did_numbers(session)}


async def get_callback(
    session: AsyncSession, callback_id: UUID, *, scope: Collection[str], lock: bool = False
) -> Callback:
    """Raises CallbackNotFound, also for one outside ``scope`` (queue names; empty: all)."""
    callback = await queries.find_callback(session, callback_id, lock=lock)
    if callback is None or (scope and callback.queue_name not in scope):
        raise CallbackNotFound
    return callback


async def list_attempts(session: AsyncSession, callback: Callback) -> Sequence[CallbackAttempt]:
    """In the order they were made."""
    return await queries.list_attempts(session, callback.id)


async def cancel_callback(
    session: AsyncSession, actor: Actor, callback_id: UUID, *, scope: Collection[str], at: datetime
) -> Callback:
    """Nobody will be called; of an ``unknown`` one: it is closed. Raises CallbackNotFound, CallbackBeingDialled,
    CallbackOver.
    """
    callback = await get_callback(session, callback_id, scope=scope, lock=True)
    if callback.state == CallbackState.DIALLING:
        raise CallbackBeingDialled
    if callback.state not in (*OPEN_STATES, CallbackState.UNKNOWN):
        raise CallbackOver(state=callback.state)
    await end_unserved(session, callback, CallbackState.CANCELLED, reason=actor.name, at=at)
    record_audit(session, actor, "callbacks.cancel", subject_id=str(callback.id), patient_id=callback.patient_id)
    return callback


async def retry_callback(
    session: AsyncSession, actor: Actor, callback_id: UUID, *, scope: Collection[str], at: datetime
) -> Callback:
    """A person has decided that the patient is called again, at the old place.

    Raises CallbackNotFound, CallbackNotUnknown, CallbackRefused (another one to this number is open by now).
    """
    callback = await get_callback(session, callback_id, scope=scope, lock=True)
    if callback.state != CallbackState.UNKNOWN:
        raise CallbackNotUnknown(state=callback.state)
    if await queries.find_open(session, callback.queue_name, callback.e164) is not None:
        raise CallbackRefused(reason="open")
    rules = await get_rules(session, callback.queue_name)
    callback.state, callback.reason, callback.finished_at = CallbackState.WAITING, None, None
    callback.next_attempt_at = at
    callback.expires_at = max(callback.expires_at, at + timedelta(seconds=rules.expiry_seconds))
    record_audit(session, actor, "callbacks.retry", subject_id=str(callback.id), patient_id=callback.patient_id)
    return callback


async def end_unserved(
    session: AsyncSession, callback: Callback, state: CallbackState, *, reason: str, at: datetime
) -> None:
    """It ends without a dial; what of it stands in Asterisk's queue is taken out."""
    attempt = await queries.find_open_attempt(session, callback.id)
    callback.state, callback.reason, callback.finished_at = state, reason, at
    if attempt is not None:
        await request_command(session, callback.pbx, HangUpChannel(attempt=attempt.id), cause=reason)


async def get_figures(session: AsyncSession, queue_name: str, start: datetime, end: datetime) -> CallbackFigures:
    """Of the call-backs asked for from ``start`` until before ``end``. Raises QueueNotFound, InvalidPeriod."""
    await queues.get_queue(session, queue_name)
    if end <= start:
        raise InvalidPeriod
    counts = await queries.count_by_state(session, queue_name, start, end)
    return CallbackFigures(
        waiting=sum(counts.get(state, 0) for state in OPEN_STATES),
        completed=counts.get(CallbackState.COMPLETED, 0),
        failed=counts.get(CallbackState.FAILED, 0),
        expired=counts.get(CallbackState.EXPIRED, 0),
        cancelled=counts.get(CallbackState.CANCELLED, 0),
        unknown=counts.get(CallbackState.UNKNOWN, 0),
    )
