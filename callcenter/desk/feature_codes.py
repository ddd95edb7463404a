"""Feature codes from the seat's telephone (``[seats]`` in extensions.conf): *11 log in, *12 log out,
*13 available, *14<digit> pause. The AGI path is ``seat/<feature>``."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents.errors import NotLoggedIn, UnknownPauseReason
from callcenter.agents.models import Agent, Cause, Wanted
from callcenter.asterisk import variables
from callcenter.asterisk.agi_channel import AgiChannel
from callcenter.core.audit import Actor, record_audit
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.desk import service
from callcenter.ivr.limits import limited

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 8.0
NUMBER_DIGITS = 10
PIN_DIGITS = 12

Feature = Callable[["FeatureCodes", AgiChannel, str], Awaitable[str]]


class FeatureCodes:
    """AGI handler for ``seat/...``. Each feature is one transaction and ends with a prompt that says the result."""

    def __init__(self, database: Database, *, pbx: str, code_key: str) -> None:
        self._database = database
        self._pbx = pbx
        self._code_key = code_key

    async def __call__(self, channel: AgiChannel) -> None:
        feature = _FEATURES.get(channel.path.removeprefix("seat/"))
        seat = await channel.get_variable(variables.SEAT)
        if feature is None or not seat:
            log.error("feature_code_unknown", path=channel.path)
            return
        try:
            prompt = await feature(self, channel, seat)
        except CallcenterError as error:
            log.info("feature_code_refused", seat=seat, problem=error.code)
            prompt = "agent_refused"
        await channel.stream_file(f"cc/{prompt}")

    async def _log_in(self, channel: AgiChannel, seat: str) -> str:
        number, _ = await channel.get_data("cc/agent_ask_number", ANSWER_SECONDS, NUMBER_DIGITS)
        pin, _ = await channel.get_data("cc/agent_ask_pin", ANSWER_SECONDS, PIN_DIGITS)

        async def log_in(session: AsyncSession) -> None:
            found = await agents.get_agent_by_pin(session, number, pin, key=self._code_key)
            agent = await agents.get_agent(session, found.number, lock=True)
            await self._set_state(session, agent, Wanted.AVAILABLE, seat=seat)

        await self._change(log_in)
        return "agent_logged_in"

    async def _log_out(self, _channel: AgiChannel, seat: str) -> str:
        async def log_out(session: AsyncSession) -> None:
            await self._set_state(session, await _agent_at(session, seat), Wanted.LOGGED_OUT)

        await self._change(log_out)
        return "agent_logged_out"

    async def _available(self, _channel: AgiChannel, seat: str) -> str:
        async def available(session: AsyncSession) -> None:
            await self._set_state(session, await _agent_at(session, seat), Wanted.AVAILABLE)

        await self._change(available)
        return "agent_available"

    async def _pause(self, channel: AgiChannel, seat: str) -> str:
        digit = await channel.get_variable(variables.DIGIT)

        async def pause(session: AsyncSession) -> None:
            reason = await agent_queries.find_pause_reason_by_digit(session, digit or "")
            if reason is None:
                raise UnknownPauseReason(digit=digit)
            await self._set_state(session, await _agent_at(session, seat), Wanted.PAUSED, reason=reason.code)

        await self._change(pause)
        return "agent_paused"

    async def _change(self, change: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """One transaction, for which the agent waits no longer than a caller does. Raises DatabaseAway."""

        async def changed() -> None:
            async with self._database.transaction() as session:
                await change(session)

        await limited(changed())

    async def _set_state(
        self, session: AsyncSession, agent: Agent, wanted: Wanted, *, seat: str | None = None, reason: str | None = None
    ) -> None:
        source = seat or agent.seat_name or ""  # after a log-out it is nowhere
        await service.set_state(
            session,
            agent,
            wanted,
            seat=seat,
            reason=reason,
            pbx=self._pbx,
            cause=Cause.AGENT,
            actor_name=agents.member_name(agent),
        )
        actor = Actor(kind="phone", id=agent.number, name=agents.member_name(agent), source=source)
        record_audit(session, actor, "agents.set_state", subject_id=agent.number, wanted=wanted.value)


async def _agent_at(session: AsyncSession, seat: str) -> Agent:
    """Who sits there, locked. Raises NotLoggedIn."""
    agent = await agent_queries.find_agent_at(session, seat, lock=True)
    if agent is None:
        raise NotLoggedIn(seat=seat)
    return agent


_FEATURES: dict[str, Feature] = {
    "login": FeatureCodes._log_in,
    "logout": FeatureCodes._log_out,
    "available": FeatureCodes._available,
    "pause": FeatureCodes._pause,
}
