"""How many whole calls a second, and what one costs: SIPp, Asterisk, PostgreSQL and the service on one machine.

A call: a known patient dials the shipped hotline (ivr_flows/main.yaml), is recognised, greeted, presses a key in the
menu, is told to wait, is offered to a seat that answers, talks, and hangs up; its record is in the database. The
reference is the same call in dialplan alone, on the same Asterisk with the same seats and the same ledger, while no
service runs.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from bench.busy_hotline import REFERENCE_LINE, BusyHotline, Cost, busy_hotline, caller_number
from bench.figures import Figure
from bench.first_sound import FirstSounds
from bench.places import bench_database, bench_directory
from callcenter.asterisk import variables
from callcenter.calls.models import Call, CallStep
from callcenter.core.clock import now
from callcenter.ivr.prompts import load_prompts
from demo.hospital import HOTLINE
from demo.observer import until

RATES = (5.0, 10.0, 20.0, 40.0, 80.0)
"""Calls a second, one after the other until one fails."""
STEP_SECONDS = 40.0
GOAL_RATE, GOAL_SECONDS = 20.0, 300.0
REFINEMENTS = 2
IDLE_SECONDS = 10.0
PATIENTS = 30_000
SEATS = 240
TALK_SECONDS = 2.5
SAMPLES = 300
"""So many callers of a step listen for the first sound."""
_KEY = "2"
_MARGIN_SECONDS = 1.0
"""Between the greeting's end and the key, and between the last prompt and the seat's answer."""
_ANSWER_SECONDS = 0.5
"""Asterisk waits so long for the first audio of a caller who sends none."""
_SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """What calls at one rate came to. ``failed``: at the telephone; the other four: what the record lacks."""

    rate: float
    begun: int
    failed: int
    unserved: int
    """No seat answered."""
    missing: int
    """Not answered in the database, or not there."""
    doubled: int
    fell_back: int
    """Went to the dialplan's own queue, because the service was too slow."""
    cost: Cost
    first_prompt_ms: tuple[float, float]
    """p50, p95 of the time from the hotline's answer to its first prompt."""
    settled_seconds: float
    """From the last hang-up to the last record."""

    @property
    def is_clean(self) -> bool:
        return not (self.failed or self.unserved or self.missing or self.doubled or self.fell_back)

    def per_call_ms(self, seconds: float) -> float:
        return seconds * 1000 / self.begun

    def __str__(self) -> str:
        cost = self.cost
        return (
            f"{self.rate:g}/s: {self.begun} begun, {self.failed} failed, {self.unserved} unserved, "
            f"{self.missing} missing, {self.doubled} doubled, {self.fell_back} fell back; CPU ms per call: "
            f"service {self.per_call_ms(cost.service):.1f}, Asterisk {self.per_call_ms(cost.asterisk):.1f}, "
            f"PostgreSQL {self.per_call_ms(cost.postgres):.1f}; first prompt p50 {self.first_prompt_ms[0]:.0f} ms, "
            f"p95 {self.first_prompt_ms[1]:.0f} ms; records {self.settled_seconds:.1f} s later"
        )


class CallBench:
    """Runs calls against one hotline; no two calls come from one number."""

    def __init__(self, hotline: BusyHotline) -> None:
        self._hotline = hotline
        self._next_caller = 0
        prompts = load_prompts(hotline.settings.prompts_dir)
        self._key_after = _ANSWER_SECONDS + prompts.duration_seconds("greeting_known", "zh") + _MARGIN_SECONDS
        self._stay = prompts.duration_seconds("transfer_to_agent", "zh") + _MARGIN_SECONDS + TALK_SECONDS

    async def step(self, rate: float, seconds: float, *, ours: bool) -> Step:
        """Calls at ``rate`` for ``seconds``, until the last one's record is there."""
        hotline = self._hotline
        await hotline.rested()
        count = round(rate * seconds)
        numbers = [caller_number(self._next_caller + index) for index in range(count)]
        self._next_caller += count
        ledger, queue_log = _Tail(hotline.settings.ledger_file), _Tail(hotline.settings.queue_log_file)
        began, before = now(), hotline.cost()
        with FirstSounds(numbers[:: max(1, count // SAMPLES)]) as sounds:
            callers = await hotline.load.calls(
                [(number, sounds.port_of(number)) for number in numbers],
                HOTLINE if ours else REFERENCE_LINE,
                per_second=rate,
                key=_KEY,
                key_after=self._key_after,
                stay=self._stay,
            )
            counts = await callers.done(seconds + self._key_after + self._stay + 40)
        loop = asyncio.get_running_loop()
        ended = loop.time()
        await until("no call is left", self._is_quiet, timeout_seconds=120)
        record = await self._record(began, counts.begun) if ours else _Record()
        step = Step(
            rate=rate,
            begun=counts.begun,
            failed=counts.failed,
            unserved=counts.begun - sum("|CONNECT|" in line for line in queue_log.new_lines()),
            missing=counts.begun - record.answered if ours else 0,
            doubled=record.doubled,
            fell_back=record.fell_back,
            cost=hotline.cost() - before,
            first_prompt_ms=_first_prompt_ms(ledger.new_lines(), sounds.heard_at),
            settled_seconds=loop.time() - ended,
        )
        print(f"  {'ours' if ours else 'reference'} {step}", file=sys.stderr)
        return step

    async def _is_quiet(self) -> bool:
        return await self._hotline.channels() == 0

    async def _record(self, began: datetime, expected: int) -> "_Record":
        """What the database holds, once it holds all calls or no more come."""
        loop = asyncio.get_running_loop()
        seen, patience_until = _Record(), loop.time() + _SETTLE_SECONDS
        while loop.time() < patience_until and seen.answered < expected:
            found = await self._look(began)
            if found.answered > seen.answered:
                patience_until = loop.time() + _SETTLE_SECONDS
            seen = found
            await asyncio.sleep(0.1)
        return seen

    async def _look(self, began: datetime) -> "_Record":
        calls = select(Call.caller_number, func.count()).where(
            Call.started_at >= began, Call.outcome == "answered", Call.ended_at.is_not(None)
        )
        fell_back = (
            select(func.count())
            .select_from(CallStep)
            .join(Call, Call.id == CallStep.call_id)
            .where(Call.started_at >= began, CallStep.step == "fallback")
        )
        async with self._hotline.database.transaction() as session:
            by_number = Counter({row[0]: row[1] for row in await session.execute(calls.group_by(Call.caller_number))})
            back = (await session.execute(fell_back)).scalar_one()
        return _Record(answered=len(by_number), doubled=by_number.total() - len(by_number), fell_back=back)


@dataclass(frozen=True, slots=True)
class _Record:
    answered: int = 0
    doubled: int = 0
    fell_back: int = 0


class _Tail:
    """What a file gets from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size

    def new_lines(self) -> Iterator[str]:
        with self._path.open(encoding="utf-8", errors="replace") as file:
            file.seek(self._offset)
            yield from file


def _first_prompt_ms(ledger: Iterator[str], heard_at: Mapping[str, float]) -> tuple[float, float]:
    """p50 and p95 of the time from the hotline's answer to the first sound at the telephone."""
    callers: dict[str, str] = {}
    waits: list[float] = []
    for line in ledger:
        event = json.loads(line)
        if event["eventtype"] == variables.EVENT_CALL:
            callers[event["uniqueid"]] = variables.parse_payload(json.loads(event["eventextra"])["extra"])["caller"]
        elif event["eventtype"] == "ANSWER" and (heard := heard_at.get(callers.get(event["uniqueid"], ""))):
            waits.append((heard - float(event["eventtime"])) * 1000)
    ordered = sorted(waits) or [float("nan")]
    return ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100]


async def climb(bench: CallBench, rates: Sequence[float], seconds: float, *, ours: bool) -> list[Step]:
    """One rate after the other until one fails, then twice half-way between the highest clean and that one."""
    steps: list[Step] = []
    for rate in rates:
        steps.append(await bench.step(rate, seconds, ours=ours))
        if not steps[-1].is_clean:
            break
    if steps[-1].is_clean:
        return steps
    too_high = steps[-1].rate
    for _ in range(REFINEMENTS):
        rate = (highest_clean(steps) + too_high) / 2
        steps.append(await bench.step(rate, seconds, ours=ours))
        too_high = rate if not steps[-1].is_clean else too_high
    return steps


def highest_clean(steps: Sequence[Step]) -> float:
    return max((step.rate for step in steps if step.is_clean), default=0.0)


@dataclass(frozen=True, slots=True)
class Result:
    ours: list[Step]
    reference: list[Step]
    goal: Step
    reference_at_goal: Step
    idle: Cost
    """Of a second without calls."""
    service_mb: tuple[float, float]
    """Before the calls and after the long run."""


async def measure(directory: Path, database_url: str, *, seats: int = SEATS) -> Result:
    async with busy_hotline(directory, database_url, patients=PATIENTS, seats=seats) as hotline:
        await hotline.open()
        bench = CallBench(hotline)
        idle, mb_before = await idle_second(hotline), hotline.service_mb()
        goal = await bench.step(GOAL_RATE, GOAL_SECONDS, ours=True)
        mb_after = hotline.service_mb()
        ours = await climb(bench, RATES, STEP_SECONDS, ours=True)
        await hotline.stop_service()
        reference = await climb(bench, RATES, STEP_SECONDS, ours=False)
        at_goal = next((step for step in reference if step.rate == GOAL_RATE), reference[-1])
        return Result(ours, reference, goal, at_goal, idle, (mb_before, mb_after))


async def idle_second(hotline: BusyHotline) -> Cost:
    before = hotline.cost()
    await asyncio.sleep(IDLE_SECONDS)
    spent = hotline.cost() - before
    return Cost(spent.service / IDLE_SECONDS, spent.asterisk / IDLE_SECONDS, spent.postgres / IDLE_SECONDS)


def run() -> Iterator[Figure]:
    """The goal rate for minutes, then both ladders."""
    with bench_directory() as directory, bench_database() as url:
        result = asyncio.run(measure(directory, url))
    goal, cost = result.goal, result.goal.cost
    plain, run_of = "the same call in dialplan alone", f"{GOAL_RATE:g} calls/s for {GOAL_SECONDS / 60:g} minutes"
    yield Figure(
        f"whole calls a second without a failure ({STEP_SECONDS:g} s each rate, {SEATS} seats)",
        highest_clean(result.ours),
        "calls/s",
        highest_clean(result.reference),
        plain,
        better="higher",
    )
    yield Figure(f"calls that failed of {goal.begun}, {run_of}", goal.failed + goal.unserved, "calls", goal=0)
    yield Figure("... that fell back to the dialplan's own queue", goal.fell_back, "calls", goal=0)
    yield Figure("... missing or double in the database", goal.missing + goal.doubled, "calls", goal=0)
    yield Figure(
        "... our processor time per call",
        goal.per_call_ms(cost.service),
        "ms",
        goal.per_call_ms(cost.asterisk),
        "Asterisk's",
        goal=1.0,
    )
    yield Figure("... PostgreSQL's", goal.per_call_ms(cost.postgres), "ms")
    yield Figure(
        "... Asterisk's",
        goal.per_call_ms(cost.asterisk),
        "ms",
        result.reference_at_goal.per_call_ms(result.reference_at_goal.cost.asterisk),
        plain,
    )
    yield Figure(
        f"... from answer to first prompt at p95, beyond {plain}",
        goal.first_prompt_ms[1] - result.reference_at_goal.first_prompt_ms[1],
        "ms",
        goal=50,
    )
    yield Figure("... at p50", goal.first_prompt_ms[0] - result.reference_at_goal.first_prompt_ms[0], "ms")
    yield Figure("... from the last hang-up to the last record", goal.settled_seconds, "s")
    yield Figure("... memory of the service afterwards", result.service_mb[1], "MB", result.service_mb[0], "before")
    yield Figure(f"our processor time in a second without calls, {SEATS} seats", result.idle.service * 1000, "ms")


def main() -> None:
    """Single steps, for whoever looks for what costs: ``python -m bench.calls --rate 5 --seconds 30``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, nargs="+", default=[GOAL_RATE])
    parser.add_argument("--seconds", type=float, default=STEP_SECONDS)
    parser.add_argument("--seats", type=int, default=SEATS)
    parser.add_argument("--reference", action="store_true", help="and the same without the service")
    parser.add_argument("--apart", action="store_true", help="each role in a process of its own")
    options = parser.parse_args()

    async def single(directory: Path, url: str) -> None:
        async with busy_hotline(directory, url, patients=PATIENTS, seats=options.seats) as hotline:
            await hotline.open(apart=options.apart)
            print("service:", *(service.process.pid for service in hotline.services), file=sys.stderr)
            print("a second without calls:", await idle_second(hotline), file=sys.stderr)
            bench = CallBench(hotline)
            for rate in options.rate:
                await bench.step(rate, options.seconds, ours=True)
            if options.reference:
                await hotline.stop_service()
                for rate in options.rate:
                    await bench.step(rate, options.seconds, ours=False)

    with bench_directory() as directory, bench_database() as url:
        asyncio.run(single(directory, url))


if __name__ == "__main__":
    main()
