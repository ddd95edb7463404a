"""Calls written again from the ledger lines in the database; what repeats changes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.seat_history import agents_at_seats
from callcenter.asterisk.ledger import CelRecord
from callcenter.calls import queries
from callcenter.calls.derive import DerivedCall, derive_call, seats_in
from callcenter.calls.models import Call, CallStep, Leg, QueueVisit, Recording
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.upsert import put_rows

log = structlog.get_logger(__name__)

_PARTS = frozenset({"legs", "visits", "steps", "recordings"})
_CALL_COLUMNS = [field.name for field in fields(DerivedCall) if field.name not in {"id", *_PARTS}]


async def derive_calls(
    session: AsyncSession, pbx: str, call_ids: Collection[str], *, plan: NumberPlan
) -> list[DerivedCall]:
    """Derive these calls from all their lines and write what is new; four queries, however many calls.

    A call that cannot be derived raises an alarm and does not stop the others.
    """
    if not call_ids:
        return []
    events = await _without_purged(session, await queries.load_events(session, sorted(call_ids)))
    uniqueids = {event.uniqueid for of_call in events.values() for event in of_call}
    queue_log = await queries.load_queue_log(session, uniqueids)
    boots = await queries.list_boots(session, pbx)
    agents = await agents_at_seats(session, (place for of_call in events.values() for place in seats_in(of_call)))
    calls: list[DerivedCall] = []
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
            await raise_alarm(session, "call_not_derived", key=call_id, call_id=call_id)
            continue
        if call is not None:
            calls.append(call)
    await _write(session, pbx, calls)
    return calls


async def _without_purged(session: AsyncSession, events: dict[str, list[CelRecord]]) -> dict[str, list[CelRecord]]:
    """Leave out calls that were derived before and whose first line is gone (retention): their rows are the record."""
    headless = {
        call_id
        for call_id, of_call in events.items()
        if not any(event.kind == "CHAN_START" and event.uniqueid == call_id for event in of_call)
    }
    kept = await queries.find_ended_calls(session, headless)
    return {call_id: of_call for call_id, of_call in events.items() if call_id not in kept}


async def _write(session: AsyncSession, pbx: str, calls: Sequence[DerivedCall]) -> None:
    at = now()
    rows: list[dict[str, Any]] = [
        {"id": call.id, "pbx": pbx, "derived_at": at, **{name: getattr(call, name) for name in _CALL_COLUMNS}}
        for call in calls
    ]
    await put_rows(session, Call, rows, key=["id"], update=_CALL_COLUMNS, touch={"derived_at": at})
    await _write_parts(session, Leg, calls, "legs", key=["uniqueid"])
    await _write_parts(session, QueueVisit, calls, "visits", key=["uniqueid", "number"])
    await _write_parts(session, CallStep, calls, "steps", key=["call_id", "number"])
    await _write_parts(session, Recording, calls, "recordings", key=["file"])


async def _write_parts(
    session: AsyncSession,
    model: type[Leg | QueueVisit | CallStep | Recording],
    calls: Sequence[DerivedCall],
    part: str,
    *,
    key: list[str],
) -> None:
    rows = [
        {"call_id": call.id, **{field.name: getattr(one, field.name) for field in fields(one)}}
        for call in calls
        for one in getattr(call, part)
    ]
    if rows:
        await put_rows(session, model, rows, key=key, update=[name for name in rows[0] if name not in key])
