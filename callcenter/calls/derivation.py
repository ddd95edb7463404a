"""Calls written again from their ledger lines; what repeats comes to the same."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.seat_history import agents_at_seats
from callcenter.asterisk.ledger import CelRecord, QueueLogRecord
from callcenter.calls import queries
from callcenter.calls.derive import DerivedCall, DerivedRecording, derive_call, seats_in
from callcenter.calls.models import Recording
from callcenter.calls.open_calls import OpenCalls
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.upsert import put_rows

log = structlog.get_logger(__name__)

_AT_A_TIME = 10
"""So many calls are derived before the event loop gets its turn: a few milliseconds. In a thread they would hold up
each of its turns."""
_RECORDING_COLUMNS = tuple(field.name for field in fields(DerivedRecording))


async def derive_calls(
    session: AsyncSession,
    pbx: str,
    call_ids: Collection[str],
    *,
    plan: NumberPlan,
    open_calls: OpenCalls | None = None,
) -> list[DerivedCall]:
    """Derive these calls from all their lines and write them; a few statements, however many calls.

    A call that cannot be derived raises an alarm and does not stop the others. The transaction was begun by
    ledger_queries.begin_writing.
    """
    if not call_ids:
        return []
    events = await _load_events(session, call_ids, open_calls)
    uniqueids = {event.uniqueid for of_call in events.values() for event in of_call}
    queue_log = await queries.load_queue_log(session, uniqueids)
    boots = await queries.list_boots(session, pbx)
    agents = await agents_at_seats(session, (place for of_call in events.values() for place in seats_in(of_call)))

    calls: list[DerivedCall] = []
    ids = sorted(events)
    for start in range(0, len(ids), _AT_A_TIME):
        some = {call_id: events[call_id] for call_id in ids[start : start + _AT_A_TIME]}
        derived, failed = _derive(some, queue_log, boots, agents, plan)
        calls += derived
        for call_id in failed:
            await raise_alarm(session, "call_not_derived", key=call_id, call_id=call_id)
        await asyncio.sleep(0)
    if calls:
        derived_ids = [call.id for call in calls]
        before = open_calls.written(derived_ids) if open_calls else derived_ids
        await queries.replace_calls(session, pbx, calls, before, now())
        await _put_recordings(session, calls)
    return calls


async def _load_events(
    session: AsyncSession, call_ids: Collection[str], open_calls: OpenCalls | None
) -> dict[str, Sequence[CelRecord]]:
    known = {call_id: open_calls.events_of(call_id) for call_id in call_ids} if open_calls else {}
    events: dict[str, Sequence[CelRecord]] = {call_id: of_call for call_id, of_call in known.items() if of_call}
    others = sorted(set(call_ids) - events.keys())
    if others:
        events |= await _without_purged(session, await queries.load_events(session, others))
    return events


def _derive(
    events: Mapping[str, Sequence[CelRecord]],
    queue_log: Mapping[str, Sequence[QueueLogRecord]],
    boots: Iterable[datetime],
    agents: Mapping[tuple[str, datetime], str],
    plan: NumberPlan,
) -> tuple[list[DerivedCall], list[str]]:
    """The calls, and the ids of those that could not be derived."""
    calls: list[DerivedCall] = []
    failed: list[str] = []
    for call_id, of_call in sorted(events.items()):
        lines = [line for uniqueid in {event.uniqueid for event in of_call} for line in queue_log.get(uniqueid, ())]
        try:
            call = derive_call(
                call_id,
                of_call,
                lines,
                boots=boots,
                agent_at=lambda seat, at: agents.get((seat, at)),
                normalise=plan.normalise,
            )
        except Exception:
            log.exception("call_not_derived", call_id=call_id)
            failed.append(call_id)
            continue
        if call is not None:
            calls.append(call)
    return calls, failed


async def _without_purged(session: AsyncSession, events: dict[str, list[CelRecord]]) -> dict[str, list[CelRecord]]:
    """Leave out calls that were derived before and whose first line is gone (retention): their rows are the record."""
    headless = {
        call_id
        for call_id, of_call in events.items()
        if not any(event.kind == "CHAN_START" and event.uniqueid == call_id for event in of_call)
    }
    kept = await queries.find_ended_calls(session, headless)
    return {call_id: of_call for call_id, of_call in events.items() if call_id not in kept}


async def _put_recordings(session: AsyncSession, calls: Iterable[DerivedCall]) -> None:
    """What was found in their files stays."""
    rows = [
        {"call_id": call.id, **{name: getattr(one, name) for name in _RECORDING_COLUMNS}}
        for call in calls
        for one in call.recordings
    ]
    if rows:
        await put_rows(session, Recording, rows, key=["file"], update=[name for name in rows[0] if name != "file"])
