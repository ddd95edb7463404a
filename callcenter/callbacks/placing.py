"""How a call-back is carried out: placed in the queue, claimed, dialled, settled from the ledger.

A fact is committed before the world is touched; what became of it is read off the ledger, never guessed. The fence
against a second dial is :func:`claim_dial`: the number leaves the database once per attempt, and at most one attempt
of a call-back is open.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.channel_ids import DialKind, kind_of_dial, new_channel_id
from callcenter.asterisk.commands import HangUpChannel, PlaceCallback, request_command
from callcenter.asterisk.variables import parse_payload
from callcenter.callbacks import queries
from callcenter.callbacks.models import Callback, CallbackAttempt, CallbackState
from callcenter.callbacks.policy import Dial, decide_next, outcome_of
from callcenter.callbacks.service import end_unserved
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.callouts.service import CallOut
from callcenter.core.alarms import raise_alarm

log = structlog.get_logger(__name__)

BATCH = 20
HANG_UP_WITHIN = timedelta(seconds=60)
"""Who asked and does not hang up is called all the same, later."""
TOLD_AGO = timedelta(seconds=10)
"""An Originate's channel is there well before this; until then its absence proves nothing."""


@dataclass(frozen=True, slots=True)
class DialOrder:
    """What the dialplan needs to dial the patient of a claimed attempt."""

    callback_id: UUID
    e164: str
    did: str
    language: str
    patient_id: UUID | None


@dataclass(frozen=True, slots=True)
class Served:
    """This number was answered by an agent of this queue."""

    e164: str
    queue_name: str
    at: datetime


def is_attempt_id(text: str) -> bool:
    """Whether a linkedid is that of an attempt."""
    return kind_of_dial(text) is DialKind.CALLBACK


async def place_due(session: AsyncSession, pbx: str, at: datetime, home: Home) -> int:
    """Commit an attempt, and the command to place it, for each call-back that is due; returns how many.

    One that would not be dialled today ends here, before an agent is asked to wait for it.
    """
    due = await queries.lock_due(session, pbx, at, hang_up_within=HANG_UP_WITHIN, limit=BATCH)
    placed = 0
    for callback in due:
        refusal = await callouts.find_refusal(session, _call_out(callback), home, at)
        if refusal is not None:
            await callouts.report_refusal(session, _call_out(callback), refusal)
            await end_unserved(session, callback, CallbackState.FAILED, reason=refusal.value, at=at)
            continue
        placed += 1
        attempt = CallbackAttempt(
            id=new_channel_id(pbx, DialKind.CALLBACK),
            callback_id=callback.id,
            number=await queries.next_number(session, callback.id),
            placed_at=at,
        )
        session.add(attempt)
        callback.state = CallbackState.QUEUED
        command = PlaceCallback(
            attempt=attempt.id,
            queue=callback.queue_name,
            app_queue=callback.app_queue,
            priority=callback.priority,
            timeout_seconds=math.ceil((callback.expires_at - at).total_seconds()),
        )
        await request_command(session, pbx, command, cause="callback")
    return placed


async def expire_due(session: AsyncSession, pbx: str, at: datetime) -> int:
    """End what has waited too long; returns how many."""
    expired = await queries.lock_expired(session, pbx, at)
    for callback in expired:
        await end_unserved(session, callback, CallbackState.EXPIRED, reason="expired", at=at)
    return len(expired)


async def claim_dial(session: AsyncSession, attempt_id: str, at: datetime, home: Home) -> DialOrder | None:
    """An agent has answered: give the number out, once, and count the dial.

    None: cancelled, expired, or settled meanwhile; or today's limit was reached meanwhile, and the call-back failed.
    """
    found = await queries.lock_attempt(session, attempt_id)
    if found is None:
        return None
    callback, attempt = found
    is_wanted = callback.state == CallbackState.QUEUED and at < callback.expires_at
    if not is_wanted or attempt.outcome is not None or attempt.claimed_at is not None:
        return None
    refusal = await callouts.take_place(session, _call_out(callback), home, at)
    if refusal is not None:
        callback.state, callback.reason, callback.finished_at = CallbackState.FAILED, refusal.value, at
        return None
    attempt.claimed_at = at
    callback.state = CallbackState.DIALLING
    return DialOrder(callback.id, callback.e164, callback.did, callback.language, callback.patient_id)


def _call_out(callback: Callback) -> CallOut:
    return CallOut(
        callback.e164,
        staff=callback.requested_by,
        line=callback.requested_from,
        confirmed=callback.do_not_call_confirmed,
    )


# -- what the ledger tells


async def settle(session: AsyncSession, attempt_id: str, at: datetime, *, at_once: bool = False) -> None:
    """The attempt's channels are gone and all that was written of them is read: what came of it, what is next.

    ``at_once``: one that was not dialled is placed again without delay (it vanished, nobody refused it).
    Repeating it changes nothing.
    """
    found = await queries.lock_attempt(session, attempt_id)
    if found is None or found[1].outcome is not None:
        return
    callback, attempt = found
    outcome = await _read_outcome(session, attempt)
    attempt.outcome, attempt.ended_at = outcome, at
    if attempt.dialled_at is not None:
        callback.tries += 1
    log.info("callback_attempt_over", attempt=attempt_id, outcome=outcome)
    if callback.state not in (CallbackState.QUEUED, CallbackState.DIALLING):
        return  # cancelled or expired before
    await _go_on(session, callback, outcome, at, at_once=at_once)


async def _read_outcome(session: AsyncSession, attempt: CallbackAttempt) -> str:
    """From the ledger's lines themselves, so that no fault of a handler can make a dial look as if it never was."""
    for event in await queries.list_dial_events(session, attempt.id):
        if event.kind == variables.EVENT_DIAL:
            attempt.dialled_at = attempt.dialled_at or event.at
        else:
            said = parse_payload(str(event.extra.get("extra", "")))
            cause = said.get("cause", "")
            attempt.dial_status = said.get("status", "")
            attempt.hangup_cause = int(cause) if cause.isascii() and cause.isdecimal() and len(cause) < 4 else None
    call = await queries.find_call(session, attempt.id)
    if call is not None:
        attempt.answered_at = call.answered_at if attempt.dialled_at else None
        attempt.agent_number = await queries.find_agent(session, attempt.id)
    return outcome_of(
        Dial(
            dialled=attempt.dialled_at is not None,
            status=attempt.dial_status,
            cause=attempt.hangup_cause,
            talked=call is not None and call.talk_seconds + call.hold_seconds > 0,
            hung_up_by=call.hung_up_by if call else None,
        )
    )


async def _go_on(session: AsyncSession, callback: Callback, outcome: str, at: datetime, *, at_once: bool) -> None:
    coming = decide_next(outcome, callback.tries)
    callback.state = coming.state
    if coming.after is not None:
        callback.next_attempt_at = at if at_once and outcome == "not_placed" else at + coming.after
        return
    callback.reason, callback.finished_at = outcome, at
    if coming.state is CallbackState.UNKNOWN:
        await raise_alarm(
            session, "callback_unknown", key=str(callback.id), callback=str(callback.id), queue=callback.queue_name
        )


async def list_to_look_for(session: AsyncSession, pbx: str, at: datetime) -> set[str]:
    """Attempts that are not over: whose channels should be there."""
    return await queries.list_open_attempts(session, pbx, placed_before=at - TOLD_AGO)


async def settle_vanished(session: AsyncSession, attempt_ids: Collection[str], at: datetime) -> None:
    """Asterisk no longer has these, and its ledger is read up to the moment when that was seen.

    What was never dialled keeps its place and is placed again; a dial without an end is ``unknown``.
    """
    for attempt_id in sorted(attempt_ids):
        await settle(session, attempt_id, at, at_once=True)


async def hang_up_left_over(session: AsyncSession, pbx: str, attempt_ids: Collection[str]) -> None:
    """Of these attempts, which Asterisk still has: out with those whose call-back ended meanwhile.

    The hang-up that came with the end may have been faster than the channel.
    """
    for attempt_id in await queries.list_of_ended(session, attempt_ids):
        await request_command(session, pbx, HangUpChannel(attempt=attempt_id), cause="callback")


async def record_served(session: AsyncSession, served: Sequence[Served]) -> None:
    """Who phoned again and was answered in that queue need not be called."""
    open_ones = await queries.lock_open_of_numbers(session, {one.e164 for one in served}) if served else ()
    for callback in open_ones:
        times = [
            one.at
            for one in served
            if (one.e164, one.queue_name) == (callback.e164, callback.queue_name) and one.at > callback.requested_at
        ]
        if times:
            await end_unserved(session, callback, CallbackState.CANCELLED, reason="served", at=min(times))
