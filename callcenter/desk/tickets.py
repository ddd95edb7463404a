"""The way in to the desk's socket: a ticket that a log-in asks for, good once and for a moment.

A browser cannot send a header with a WebSocket, and a token in an address ends up in logs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import live_roles
from callcenter.accounts.models import Role
from callcenter.agents import queries
from callcenter.agents.errors import TicketRefused
from callcenter.agents.models import Agent, DeskTicket
from callcenter.core.clock import now
from callcenter.core.security import new_token, token_digest

LIFETIME = timedelta(seconds=30)
ALLOWED = frozenset({Role.AGENT, Role.EXPERT, Role.ADMIN})
"""Who may have a desk; whoever is none of these any more loses the socket too."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    ticket: str
    expires_at: datetime


async def issue(session: AsyncSession, agent: Agent, login_digest: bytes) -> NewTicket:
    """A ticket to this agent's desk, which ends with the log-in of ``login_digest``."""
    at = now()
    await queries.purge_tickets(session, at)
    ticket = new_token()
    session.add(
        DeskTicket(digest=token_digest(ticket), agent_id=agent.id, token_digest=login_digest, expires_at=at + LIFETIME)
    )
    return NewTicket(ticket, at + LIFETIME)


async def redeem(session: AsyncSession, ticket: str) -> DeskTicket:
    """The ticket, used up at commit. Raises TicketRefused, also when the log-in has ended meanwhile."""
    taken = await queries.take_ticket(session, token_digest(ticket), now())
    if taken is None:
        raise TicketRefused
    roles = await live_roles(session, [taken.token_digest])
    if roles.get(taken.token_digest, frozenset()).isdisjoint(ALLOWED):
        raise TicketRefused
    return taken
