"""Who sat at a seat at a given time, from the agents' own history."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Wanted

# the last who said anything at the seat, unless logged out or gone to another seat since
_AGENTS_AT_SEATS = text("""
    SELECT place.seat, place.at, agents.number
    FROM unnest(CAST(:seats AS text[]), CAST(:times AS timestamptz[])) AS place (seat, at)
    CROSS JOIN LATERAL (
        SELECT agent_id, wanted FROM agent_state_changes
        WHERE seat_name = place.seat AND at <= place.at
        ORDER BY at DESC, id DESC LIMIT 1
    ) AS sitting
    CROSS JOIN LATERAL (
        SELECT seat_name FROM agent_state_changes
        WHERE agent_id = sitting.agent_id AND at <= place.at
        ORDER BY at DESC, id DESC LIMIT 1
    ) AS latest
    JOIN agents ON agents.id = sitting.agent_id
    WHERE sitting.wanted <> :logged_out AND latest.seat_name = place.seat
""")


async def agents_at_seats(
    session: AsyncSession, places: Iterable[tuple[str, datetime]]
) -> dict[tuple[str, datetime], str]:
    """(seat, time) to agent number, for those places where somebody sat; one query."""
    wanted = sorted(set(places))
    if not wanted:
        return {}
    rows = await session.execute(
        _AGENTS_AT_SEATS,
        {
            "seats": [seat for seat, _ in wanted],
            "times": [at for _, at in wanted],
            "logged_out": Wanted.LOGGED_OUT.value,
        },
    )
    return {(row.seat, row.at): row.number for row in rows}
