"""Who tries the pages of the demo: a supervisor, and an agent who telephones in the page."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import SeatKind
from callcenter.core.audit import SYSTEM
from callcenter.queues.models import QueueMembership

SUPERVISOR, AGENT, NUMBER, SEAT = "lead", "desk", "1010", "seat-page"
QUEUES = ("consultation", "vip")


async def load(session: AsyncSession, password: str, *, code_key: str) -> None:
    """Into the sample hospital. The agent is logged out, so nobody of the story waits for them."""
    await agents.create_seat(session, name=SEAT, label="网页座席", kind=SeatKind.BROWSER)
    agent = await agents.create_agent(session, number=NUMBER, display_name="陈晨", pin=None, key=code_key)
    for username, name, role in ((SUPERVISOR, "班长", Role.SUPERVISOR), (AGENT, "陈晨", Role.AGENT)):
        user = await accounts.create_user(
            session,
            SYSTEM,
            username=username,
            password=password,
            display_name=name,
            roles=[role],
            queue_scope=[],
        )
        if role is Role.AGENT:
            agent.user_id = user.id
    session.add_all(QueueMembership(queue_name=queue, agent_id=agent.id, penalty=1) for queue in QUEUES)
    await session.flush()
