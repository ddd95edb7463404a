"""200 random arrivals with VIP grades over two queues and three agents: who is served when, and that all are.

The rule (decision 4): whoever has the highest priority (entry less head start) among those waiting for an agent is
rung next. It is checked on the derived records alone, at the moment each phone began to ring.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from callcenter.asterisk import variables
from callcenter.asterisk.fastagi import AgiChannel, FastAgiServer
from callcenter.calls.models import Leg, QueueVisit
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.roles import ProcessRole
from demo.hospital import COMPLAINT_LINE, HOTLINE
from demo.observer import until
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import put_queue, serve_only

ARRIVALS = 200
ARRIVE_WITHIN_SECONDS = 45.0
QUEUE_OF = {HOTLINE: "consultation", COMPLAINT_LINE: "complaint"}
SERVES = {"1001": ("consultation", "complaint"), "1002": ("consultation",), "1003": ("consultation", "complaint")}
HEAD_STARTS = (0, 0, 0, 300, 600)
"""Of every five callers three have none; a head start far beyond the test's length is the hardest case."""
JOINING = timedelta(seconds=0.5)
"""From the ledger's word that a caller enters a queue until app_queue surely sees them."""


@dataclass(frozen=True, slots=True)
class Served:
    """An answered visit, with the time at which the phone that answered began to ring, and its leg's end."""

    priority: int
    queue: str
    agent: str
    entered_at: datetime
    rung_at: datetime
    ended_at: datetime


def overtaken(served: Sequence[Served]) -> list[tuple[Served, Served]]:
    """Pairs: one served, and one of higher priority that waited for this agent then and was rung later.

    Not wronged is whom another agent, free at that moment, rang next: both had an agent each, and app_queue's
    threads look at their callers in no order.
    """
    pairs = []
    for one in served:
        for other in served:
            waited = other.entered_at + JOINING < one.rung_at < other.rung_at
            if not (waited and other.priority > one.priority and other.queue in SERVES[one.agent]):
                continue
            had_an_agent = other.agent != one.agent and not any(
                third.agent == other.agent and third.rung_at < other.rung_at and third.ended_at > one.rung_at
                for third in served
            )
            if not had_an_agent:
                pairs.append((one, other))
    return pairs


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rtp_timeout_seconds": 600})  # the callers are silent


async def served_visits(database: Database) -> list[Served]:
    query = (
        select(QueueVisit, Leg)
        .join(Leg, (Leg.call_id == QueueVisit.call_id) & (Leg.role == "agent") & Leg.answered_at.is_not(None))
        .where(QueueVisit.outcome == "answered", Leg.ended_at.is_not(None))
    )
    async with database.transaction() as session:
        rows = (await session.execute(query)).all()
    return [
        Served(visit.priority, visit.queue_name, visit.agent_number, visit.entered_at, leg.started_at, leg.ended_at)
        for visit, leg in rows
    ]


async def test_order_is_exact_and_nobody_starves(hotline: Hotline) -> None:
    chance = random.Random(20260101)  # noqa: S311 - the same arrivals each time
    calls = [
        (f"1370000{index:04d}", chance.choice(list(QUEUE_OF)), chance.uniform(0, ARRIVE_WITHIN_SECONDS))
        for index in range(ARRIVALS)
    ]
    head_starts = {number: chance.choice(HEAD_STARTS) for number, _to, _delay in calls}

    async def decide(channel: AgiChannel) -> None:
        """The queue step's hand-over, by caller; its own part is proven by the story."""
        decision = {variables.DO: variables.DO_HANGUP}
        if await channel.get_variable(variables.VISIT) == "0":
            await channel.answer()
            number = channel.variables["callerid"]
            decision = {
                variables.DO: variables.DO_QUEUE,
                variables.QUEUE: QUEUE_OF[str(await channel.get_variable(variables.DID))],
                variables.QUEUE_TIMEOUT: "600",
                variables.HEAD_START: str(head_starts[number]),
            }
        for name, value in decision.items():
            await channel.set_variable(name, value)
        await channel.set_variable("TIMEOUT(absolute)", "0")
        await channel.set_variable(variables.OK, "1")

    agi = FastAgiServer(hotline.settings.fastagi_host, hotline.settings.fastagi_port, decide)
    await agi.start()
    try:
        await hotline.stack.start_service([ProcessRole.API, ProcessRole.ENGINE])
        for queue in QUEUE_OF.values():
            await put_queue(hotline, queue, wrap_up_seconds=0, announce_position=False, announce_wait=False)
        for talk_seconds, (number, queues) in zip((0.2, 0.35, 0.5), SERVES.items(), strict=True):
            one = await serve_only(hotline, agent(number), *queues)
            await hotline.agent_sits_down(one, [Wait(talk_seconds), HangUp()], ring_seconds=0.05)
        crowd = await hotline.phones.call_many(calls, patience_seconds=280)

        async def look() -> list[Served]:
            found = await served_visits(hotline.database)
            return found if len(found) == ARRIVALS else []

        served = await until("everybody has been served", look, timeout_seconds=300)
        await crowd.done(30)
    finally:
        await agi.close()
    assert overtaken(served) == []
    in_order = sorted(served, key=lambda one: one.entered_at)
    passed = sum(
        one.rung_at > other.rung_at for one in in_order for other in in_order if one.entered_at < other.entered_at
    )
    assert passed > ARRIVALS, "the order of entry was not changed often: nothing is shown"
    assert {one.agent for one in served} == set(SERVES)


def test_the_check_finds_one_who_was_overtaken() -> None:
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

    def at(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    low = Served(1, "consultation", "1001", at(0), at(10), at(11))
    high = Served(2, "consultation", "1001", at(5), at(12), at(13))
    assert overtaken([low, high]) == [(low, high)]
    just_come = Served(2, "consultation", "1001", at(9.8), at(12), at(13))
    assert overtaken([low, just_come]) == []
    by_another = Served(2, "consultation", "1002", at(5), at(10.4), at(13))
    assert overtaken([low, by_another]) == []
    busy = Served(3, "consultation", "1002", at(1), at(4), at(10.2))
    assert overtaken([low, by_another, busy]) == [(low, by_another)]
    elsewhere = Served(2, "vip", "1002", at(5), at(12), at(13))
    assert overtaken([low, elsewhere]) == []
