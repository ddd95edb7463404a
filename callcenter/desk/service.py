"""What an agent asks for at the desk, in one transaction: log in, be available, pause, log out."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import service as agents
from callcenter.agents.errors import UnknownPauseReason
from callcenter.agents.models import Agent, Cause, Wanted
from callcenter.queues import service as queues


async def set_state(
    session: AsyncSession,
    agent: Agent,
    wanted: Wanted,
    *,
    seat: str | None,
    reason: str | None,
    pbx: str,
    cause: Cause,
    actor_name: str,
) -> None:
    """Bring the agent to ``wanted``, at ``seat`` if one is named.

    Raises SeatNotFound, SeatTaken, NotLoggedIn, TelephoneAway, UnknownPauseReason; then nothing has changed.
    """
    if wanted is Wanted.LOGGED_OUT:
        await queues.log_out(session, agent, pbx=pbx, cause=cause, actor_name=actor_name)
        return
    if seat is not None and seat != agent.seat_name:
        await queues.log_in(session, agent, seat, pbx=pbx, cause=cause, actor_name=actor_name)
    if wanted is Wanted.AVAILABLE:
        await agents.require_telephone(session, agent)
        await queues.set_available(session, agent, pbx=pbx, cause=cause, actor_name=actor_name)
    elif reason is not None:
        await agents.require_reason_for_people(session, reason)
        await queues.pause(session, agent, reason, pbx=pbx, cause=cause, actor_name=actor_name)
    elif agent.wanted != Wanted.PAUSED:  # logging in pauses without a reason; already sitting there does not
        raise UnknownPauseReason(reason=None)
