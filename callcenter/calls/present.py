"""A call as its ledger lines tell it at this moment: while it goes on its rows are written some seconds later."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.seat_history import agents_at_seats
from callcenter.calls import queries
from callcenter.calls.derive import DerivedCall, derive_call, seats_in
from callcenter.core.phone_numbers import NumberPlan


async def find_present(session: AsyncSession, call_id: str, plan: NumberPlan) -> DerivedCall | None:
    """The same derivation as of the record; None when no line of it has been read yet (or they are gone by now)."""
    events = (await queries.load_events(session, [call_id])).get(call_id, [])
    if not events:
        return None
    lines = await queries.load_queue_log(session, sorted({event.uniqueid for event in events}))
    agents = await agents_at_seats(session, seats_in(events))
    return derive_call(
        call_id,
        events,
        [line for of_channel in lines.values() for line in of_channel],
        agent_at=lambda seat, at: agents.get((seat, at)),
        normalise=plan.normalise,
    )
