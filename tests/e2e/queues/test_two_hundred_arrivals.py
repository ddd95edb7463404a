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

STATE_LAG = timedelta(seconds=0.25)
"""From a phone's first ring until app_queue counts its agent as busy."""


@dataclass(frozen=True, slots=True)
class Served:
    """An answered visit, with the time at which the phone that answered began to ring, and its leg's end."""

    priority: int
    queue: str
    agent: str | None
    entered_at: datetime
    rung_at: datetime
    ended_at: datetime


def overtaken(served: Sequence[Served]) -> list[tuple[Served, list[Served]]]:
    """Who was rung before their turn, each with those who were passed over.

    app_queue gives the first k of a queue their turn together when it sees k free agents, each in a thread of its own
    that looks once a second: so among these the order is open, and nobody beyond them may be rung. Between queues no
    caller may pass over one of higher priority, unless that one has an agent free, who rings next.
    """
    found = []
    for one in served:
        ahead = [
            other
            for other in served
            if other.priority > one.priority
            and other.entered_at + JOINING < one.rung_at < other.rung_at
            and other.queue in SERVES[str(one.agent)]
        ]
        own = [other for other in ahead if other.queue == one.queue]
        elsewhere = [other for other in ahead if other.queue != one.queue and not _has_an_agent(other, one, served)]
        free = [
            agent for agent, queues in SERVES.items() if one.queue in queues and _is_free(agent, one.rung_at, served)
        ]
        if elsewhere or len(own) >= len({*free, one.agent}):
            found.append((one, [*elsewhere, *own]))
    return found


def _is_free(agent: str, at: datetime, served: Sequence[Served]) -> bool:
    """As app_queue sees it: it hears of a phone's state by way of a queue of its own."""
    return not any(one.agent == agent and one.rung_at + STATE_LAG <= at < one.ended_at for one in served)


def _has_an_agent(other: Served, one: Served, served: Sequence[Served]) -> bool:
    """The agent who answered ``other`` was free as ``one`` was rung, and served nobody between."""
    return other.agent != one.agent and not any(
        third.agent == other.agent and third.rung_at < other.rung_at and third.ended_at > one.rung_at
        for third in served
    )


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rtp_timeout_seconds": 600})  # the callers are silent


async def served_visits(database: Database) -> list[Served]:
    query = (
        select(QueueVisit, Leg)
        .join(Leg, (Leg.call_id == QueueVisit.call_id) & (Leg.role == "agent") & Leg.answered_at.is_not(None))
        .where(QueueVisit.outcome == "answered")
    )
    async with database.transaction() as session:
        rows = (await session.execute(query)).all()
    return [
        Served(visit.priority, visit.queue_name, visit.agent_number, visit.entered_at, leg.started_at, leg.ended_at)
        for visit, leg in rows
        if leg.ended_at is not None
    ]


async def test_nobody_is_rung_before_their_turn_and_all_are_served(hotline: Hotline) -> None:
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
        crowd = await hotline.phones.call_many(calls, patience_seconds=350)

        async def all_are_over() -> bool:
            over = [call for call in await hotline.calls() if call.ended_at is not None]
            return len(over) == ARRIVALS

        await crowd.done(400)
        await until("the records of all calls", all_are_over, timeout_seconds=60)
    finally:
        await agi.close()
    assert {call.outcome for call in await hotline.calls()} == {"answered"}, "somebody was not served"
    served = await served_visits(hotline.database)
    assert len(served) == ARRIVALS
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

    def busy(agent: str) -> Served:
        return Served(9, "consultation", agent, at(0), at(1), at(20))

    others_talk = [busy("1002"), busy("1003")]
    low = Served(1, "consultation", "1001", at(0), at(10), at(11))
    high = Served(2, "consultation", "1001", at(5), at(12), at(13))
    assert overtaken([low, high, *others_talk]) == [(low, [high])]
    assert overtaken([low, high, busy("1002")]) == [], "two agents were free: the first two of the queue had their turn"
    third = Served(3, "consultation", "1001", at(5), at(14), at(15))
    assert overtaken([low, high, third, busy("1002")]) == [(low, [high, third])]
    just_come = Served(2, "consultation", "1001", at(9.8), at(12), at(13))
    assert overtaken([low, just_come, *others_talk]) == []
    elsewhere = Served(2, "complaint", "1001", at(5), at(12), at(13))
    assert overtaken([low, elsewhere, *others_talk]) == [(low, [elsewhere])]
    by_another = Served(2, "complaint", "1003", at(5), at(10.4), at(13))
    assert overtaken([low, by_another, busy("1002")]) == []
    not_served = Served(1, "consultation", "1002", at(0), at(10), at(11))
    assert overtaken([not_served, elsewhere, busy("1001"), busy("1003")]) == []
