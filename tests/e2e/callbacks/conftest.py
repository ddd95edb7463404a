"""A hotline whose callers wait in the queue at once and may press 1 for a call-back."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from callcenter.agents import service as agents
from callcenter.agents.models import Cause
from callcenter.asterisk.commands import Render, request_command
from callcenter.callbacks.models import Callback, CallbackAttempt
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.queues import service as queues
from callcenter.queues.models import Queue, WaitingCaller
from demo.hospital import HOTLINE, SampleAgent, SamplePatient
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import Press, StayUntilHangUp, Step, Wait
from tests.e2e.hotline import Hotline

QUEUE = "consultation"

_FLOW = """\
flow: main
entry: ["8000"]
start: waits
steps:
  waits: {queue: consultation, outcomes: {answered: bye, overflowed: bye, key: bye, "1": back}}
  back: {callback: ask_callback, outcomes: {accepted: bye, declined: waits, unavailable: waits}}
  bye: {hangup: true}
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    flows = settings.state_dir / "flows"
    flows.mkdir()
    (flows / "main.yaml").write_text(_FLOW)
    return settings.model_copy(update={"flows_dir": flows})


@pytest.fixture
async def hotline(hotline: Hotline) -> Hotline:
    """The key that leaves the queue is on; no position is announced."""
    async with hotline.database.transaction() as session:
        await session.execute(
            update(Queue).where(Queue.name == QUEUE).values(exit_keys="1", announce_position=False, comfort_prompts=[])
        )
    await render(hotline)
    return hotline


async def render(hotline: Hotline) -> None:
    async with hotline.database.transaction() as session:
        await request_command(session, hotline.settings.pbx_name, Render(), cause="test")


class Patients:
    """Who asks for a call-back, and what becomes of it."""

    def __init__(self, hotline: Hotline) -> None:
        self.hotline = hotline

    async def nobody_is_free(self, one: SampleAgent, steps: Sequence[Step]) -> Phone:
        """The only agent sits at a telephone and is paused."""
        hotline = self.hotline
        phone = await hotline.phones.plug_in(one.seat, hotline.seat_passwords[one.seat], steps, ring_seconds=0.5)
        async with hotline.database.transaction() as session:
            row = await agents.get_agent(session, one.number, lock=True)
            pbx = hotline.settings.pbx_name
            await queues.log_in(session, row, one.seat, pbx=pbx, cause=Cause.AGENT, actor_name="test")
            await queues.pause(session, row, "lunch", pbx=pbx, cause=Cause.AGENT, actor_name="test")

        async def there() -> bool:
            shown = await asyncio.to_thread(hotline.stack.pbx.cli, f"queue show {QUEUE}")
            return f"agent-{one.number} " in shown and "Not in use" in shown

        await until("the agent sits there", there)
        return phone

    async def agent_is_free(self, one: SampleAgent) -> None:
        hotline = self.hotline
        async with hotline.database.transaction() as session:
            row = await agents.get_agent(session, one.number, lock=True)
            pbx = hotline.settings.pbx_name
            await queues.set_available(session, row, pbx=pbx, cause=Cause.AGENT, actor_name="test")

    async def agent_pauses(self, one: SampleAgent) -> None:
        hotline = self.hotline
        async with hotline.database.transaction() as session:
            row = await agents.get_agent(session, one.number, lock=True)
            pbx = hotline.settings.pbx_name
            await queues.pause(session, row, "lunch", pbx=pbx, cause=Cause.AGENT, actor_name="test")

        async def paused() -> bool:
            return "paused" in await asyncio.to_thread(hotline.stack.pbx.cli, f"queue show {QUEUE}")

        await until("the agent is paused", paused)

    async def asks(self, patient: SamplePatient) -> Callback:
        """Waits a little, presses 1 in the queue, 1 for this number, and is gone."""
        hotline = self.hotline
        words = hotline.seconds("ask_callback") + 4 + hotline.seconds("callback_choose")
        phone = await hotline.call(
            patient, HOTLINE, [Wait(2), Press("1"), Wait(1.0), Press("1"), StayUntilHangUp(words + 30)]
        )
        await phone.done(60)
        return await self.callback(patient)

    async def waits(self, patient: SamplePatient) -> None:
        """Stays in the queue until served."""
        before = await self._waiting()
        await self.hotline.call(patient, HOTLINE, [StayUntilHangUp(200)])
        await self.hotline.observer.waiting(QUEUE, before + 1)

    async def _waiting(self) -> int:
        async with self.hotline.database.transaction() as session:
            return len(list(await session.scalars(select(WaitingCaller))))

    async def stand_in_queue(self, count: int) -> None:
        """So many call-backs stand in Asterisk's queue, and no more."""

        async def look() -> bool:
            shown = await asyncio.to_thread(self.hotline.stack.pbx.cli, f"queue show {QUEUE}")
            return shown.count("Local/s@callback-place") == count

        await until(f"{count} call-backs stand in the queue", look, timeout_seconds=40)

    async def callback(self, patient: SamplePatient) -> Callback:
        """The newest one."""
        async with self.hotline.database.transaction() as session:
            query = select(Callback).where(Callback.e164 == patient.e164).order_by(Callback.requested_at.desc())
            return (await session.scalars(query.limit(1))).one()

    async def becomes(self, patient: SamplePatient, state: str, *, timeout_seconds: float = 60) -> Callback:
        async def look() -> Callback | None:
            found = await self.callback(patient)
            return found if found.state == state else None

        found = await until(f"the call-back is {state}", look, timeout_seconds=timeout_seconds)
        assert found is not None
        return found

    async def attempts(self, callback: Callback) -> list[CallbackAttempt]:
        async with self.hotline.database.transaction() as session:
            query = select(CallbackAttempt).where(CallbackAttempt.callback_id == callback.id)
            return list(await session.scalars(query.order_by(CallbackAttempt.number)))

    async def is_due(self, callback: Callback) -> None:
        """The time until the next try is over."""
        async with self.hotline.database.transaction() as session:
            await session.execute(update(Callback).where(Callback.id == callback.id).values(next_attempt_at=now()))


@pytest.fixture
def patients(hotline: Hotline) -> Patients:
    return Patients(hotline)
