"""What every fault meets, and what must hold after it.

A scene has callers at each place of their way (in the menu, waiting, ringing, talking) and two agents. A test causes
its fault in it, lets new callers come, and asks :meth:`Scene.nothing_was_lost` at the end.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from callcenter.agents import queries as agent_queries
from callcenter.agents.models import Activity
from callcenter.agents.service import member_name
from callcenter.calls.models import Call, QueueVisit
from callcenter.core.alarms import Alarm
from callcenter.queues import service as queues
from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS, SamplePatient
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from demo.stack import Service
from tests.e2e.hotline import Hotline, agent, seconds_between

FALL_BACK_SECONDS = 3.0
"""A new caller is in a human queue within this time, whatever of ours is dead (issue: faults)."""
STATES_AGREE_SECONDS = 5.0
PATIENCE_SECONDS = 240.0


@dataclass(slots=True)
class Scene:
    """Callers and what became of them."""

    hotline: Hotline
    callers: dict[str, Phone] = field(default_factory=dict)
    """By E.164 number: one call each, so that each can be counted in the records."""

    async def dials(self, patient: SamplePatient) -> None:
        """Calls and presses nothing: only the menu, or the fall-back, leads this caller to a person."""
        await self._call(patient, [StayUntilHangUp(PATIENCE_SECONDS)])

    async def asks_for_a_person(self, patient: SamplePatient, *, recognised: bool = True) -> None:
        """Calls and presses 2 as soon as the greeting is over."""
        greeting = self.hotline.seconds("greeting_known" if recognised else "greeting")
        await self._call(patient, [Wait(greeting + 1.0), Press("2"), StayUntilHangUp(PATIENCE_SECONDS)])

    async def _call(self, patient: SamplePatient, steps: Sequence[Wait | Press | StayUntilHangUp]) -> None:
        assert patient.e164 not in self.callers, "one call a patient"
        self.callers[patient.e164] = await self.hotline.call(patient, HOTLINE, steps)

    # -- what must hold

    async def is_in_a_queue_in_time(self, patient: SamplePatient) -> None:
        """By the record: from the first ring to the queue of people in :data:`FALL_BACK_SECONDS`. Ask it at the end."""
        (visit, *_) = await self.visits(await self.call_of(patient))
        call = await self.call_of(patient)
        assert seconds_between(call.started_at, visit.entered_at) < FALL_BACK_SECONDS

    async def nothing_was_lost(self, *, within_seconds: float = 120.0) -> None:
        """Every caller was served to the end by an agent, stands once in the records, and all figures agree."""
        await self.everybody_is_served(within_seconds=within_seconds)
        await self.records_are_whole()
        await self.states_agree()

    async def everybody_is_served(self, *, within_seconds: float = 120.0) -> None:
        """Each telephone's call ended as it should: hung up by the other side, after it was answered."""
        for phone in self.callers.values():
            await phone.done(within_seconds)

    async def records_are_whole(self, *, served: bool = True, within_seconds: float = 40.0) -> None:
        """Every call that a telephone made is there once, ended; visits add up; ``served``: an agent answered each."""
        calls = await self._finished_calls(within_seconds)
        assert sorted(call.caller_number or "" for call in calls) == sorted(self.callers)
        for call in calls:
            visits = await self.visits(call)
            assert all(visit.outcome != "open" and visit.left_at is not None for visit in visits), call.id
            if served:
                assert call.outcome == "answered", (call.caller_number, call.outcome)
                assert [visit.outcome for visit in visits].count("answered") == 1, call.id
        await self.figures_add_up()

    async def figures_add_up(self) -> None:
        """offered = answered + abandoned + overflowed + moved + lost + open, over all queues, as the API tells it."""
        client = await self.hotline.api(self._api_service())
        period = {"from": "2000-01-01T00:00:00Z", "to": datetime.now(UTC).isoformat()}
        for queue in ("consultation", "vip", "complaint", "expert"):
            answer = await client.get(f"/api/v1/queues/{queue}/figures", params=period)
            figures = answer.raise_for_status().json()
            ended = ("answered", "abandoned", "overflowed", "moved", "lost", "open")
            assert figures["offered"] == sum(figures[name] for name in ended), figures

    async def states_agree(self, *, within_seconds: float = STATES_AGREE_SECONDS) -> None:
        """What the database says of agents is what Asterisk's QueueStatus says, in time after the last change."""

        async def agree() -> bool:
            return not await _differences(self.hotline)

        try:
            await until("states agree", agree, timeout_seconds=within_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {await _differences(self.hotline)}") from error

    def _api_service(self) -> Service:
        running = (one for one in self.hotline.stack.services if one.process.returncode is None)
        return next(one for one in running if ProcessRole.API in one.roles)

    async def fell_back_in_time(self, patient: SamplePatient) -> None:
        """Without a flow, by the dialplan alone, and soon enough. Ask it at the end."""
        await self.is_in_a_queue_in_time(patient)
        steps = await self.hotline.steps(await self.call_of(patient))
        assert steps
        assert steps[0].startswith("fallback:"), steps

    async def was_led_by_the_flow(self, patient: SamplePatient, *, who: str = "known") -> None:
        """By the menu into the queue; what came after the conversation is another visit. Ask it at the end."""
        steps = await self.hotline.steps(await self.call_of(patient))
        before = steps[: steps.index("transfer:next")] if "transfer:next" in steps else []
        assert {f"who:{who}", "menu:2"} <= set(before), steps
        assert not [step for step in before if step.startswith("fallback:")], steps

    async def nobody_was_alarmed(self) -> None:
        """By what happened. What rules say of callers who wait meanwhile is true."""
        async with self.hotline.database.transaction() as session:
            happened = select(Alarm).where(Alarm.rule_id.is_(None))
            alarms = [(alarm.kind, alarm.details) for alarm in await session.scalars(happened)]
        assert alarms == []

    # -- records

    async def call_of(self, patient: SamplePatient) -> Call:
        return await self.hotline.finished_call(patient.e164, timeout_seconds=40)

    async def visits(self, call: Call) -> Sequence[QueueVisit]:
        return await self.hotline.visits(call)

    async def alarms(self, kind: str) -> Sequence[Alarm]:
        async with self.hotline.database.transaction() as session:
            return (await session.scalars(select(Alarm).where(Alarm.kind == kind))).all()

    async def _finished_calls(self, within_seconds: float) -> Sequence[Call]:
        async def look() -> Sequence[Call]:
            calls = [call for call in await self.hotline.calls() if call.direction == "inbound"]
            whole = len(calls) >= len(self.callers) and all(call.state != "open" for call in calls)
            return calls if whole else []

        return await until(f"{len(self.callers)} finished calls", look, timeout_seconds=within_seconds)


async def callers_everywhere(hotline: Hotline, *, talk_seconds: float = 12.0, ring_seconds: float = 6.0) -> Scene:
    """Four callers: one talks with 1001, one rings at 1002, one waits, one is in the menu and presses nothing.

    An engine and an ivr must be running. ``PATIENTS[:4]`` are taken, in this order.
    """
    scene = Scene(hotline)
    await hotline.agent_sits_down(agent("1001"), [Wait(talk_seconds), HangUp()])
    await scene.dials(PATIENTS[3])
    for patient in PATIENTS[:3]:
        await scene.asks_for_a_person(patient)
    await hotline.observer.talking(1)
    await hotline.observer.waiting("consultation", 2)
    await hotline.agent_sits_down(agent("1002"), [Wait(talk_seconds), HangUp()], ring_seconds=ring_seconds)
    await until("1002 rings", lambda: _is_ringing(hotline))
    return scene


async def _is_ringing(hotline: Hotline) -> bool:
    async with hotline.database.transaction() as session:
        row = await agent_queries.find_agent(session, number="1002")
        return row is not None and row.activity == Activity.RINGING


_MEMBER = re.compile(r"^\s+(agent-\d+) \(PJSIP/([\w-]+)\)(?: with penalty (\d+))? .*")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


async def _differences(hotline: Hotline) -> list[str]:
    """By Asterisk's console: a session of the test's own would be one that an engine which takes over must end."""
    shown = _COLOUR.sub("", await asyncio.to_thread(hotline.stack.pbx.cli, "queue show"))
    actual: set[queues.Member] = set()
    in_call: set[str] = set()
    queue = ""
    for line in shown.splitlines():
        if member := _MEMBER.match(line):
            name, seat, penalty = member.groups()
            paused = "(paused" in line
            actual.add(
                queues.Member(queue=queue, seat=seat, member_name=name, penalty=int(penalty or 0), paused=paused)
            )
            in_call |= {name} if "(in call)" in line else set()
        elif not line.startswith(" "):
            queue = line.partition(" ")[0]
    async with hotline.database.transaction() as session:
        desired = await queues.desired_members(session)
        busy = {
            member_name(one) for one in await agent_queries.list_agents(session) if one.activity == Activity.ON_CALL
        }
    found = [f"only in Asterisk: {one}" for one in actual - desired]
    found += [f"only in the database: {one}" for one in desired - actual]
    found += [f"on call only in Asterisk: {name}" for name in in_call - busy]
    return found + [f"on call only in the database: {name}" for name in busy - in_call]
