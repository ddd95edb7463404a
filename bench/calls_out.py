"""Calls out: how evenly a set pace is kept, and how many answered calls a second there can be.

A campaign dials people who all answer; the flow notes that and hangs up: at once, which nobody's call is but shows what
ours costs, or after a text of sixteen seconds. The reference is a bare loop that sends Originate over AMI to the same
Asterisk and the same telephones, as many at a time, while no service runs.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from bench.busy_hotline import BARE_USER, BusyHotline, busy_hotline
from bench.figures import Figure
from bench.places import bench_database, bench_directory
from callcenter.campaigns import contacts, lifecycle
from callcenter.campaigns.contacts import NewContact
from callcenter.campaigns.governor import DEFAULT_LIMITS
from callcenter.campaigns.models import CampaignAttempt, CampaignState
from callcenter.campaigns.rules import Pacing, RetryRules, Texts, Windows
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from demo.observer import until

PACE, PACE_SECONDS = 20.0, 120
AT_ONCE = 50
CALLS, CALLS_TOLD = 2_000, 400
RING_SECONDS = 0.2
_SLOWEST = 2.0
"""Calls a second: slower is broken."""
_FLOWS = {
    "main.yaml": 'flow: main\nentry: ["8000"]\nstart: bye\nsteps:\n  bye: {hangup: true}\n',
    "out.yaml": ("flow: out\nstart: done\nsteps:\n  done: {conclude: completed, next: bye}\n  bye: {hangup: true}\n"),
    "told.yaml": (
        "flow: told\nstart: text\nsteps:\n  text: {say: main_menu, next: done}\n"
        "  done: {conclude: completed, next: bye}\n  bye: {hangup: true}\n"
    ),
}


def run() -> Iterator[Figure]:
    with bench_database() as url, bench_directory() as directory:
        yield from asyncio.run(_measure(url, directory))


async def _measure(url: str, directory: Path) -> list[Figure]:
    async with busy_hotline(directory, url, patients=1, seats=1, flows=_FLOWS) as hotline:
        await hotline.load.network(hotline.settings.trunk_port, ring_seconds=RING_SECONDS)
        bare = await _bare(hotline, CALLS, "out", line_is_free=b"Event: OriginateResponse")
        bare_told = await _bare(hotline, CALLS_TOLD, "told", line_is_free=b"Event: Hangup")
        await hotline.stack.start_service()
        paced = await _campaign(hotline, "out", round(PACE * PACE_SECONDS), PACE, first=0)
        fastest = await _campaign(hotline, "out", CALLS, 500.0, first=100_000)
        told = await _campaign(hotline, "told", CALLS_TOLD, 500.0, first=200_000)
    off = abs(paced - PACE) / PACE * 100
    return [
        Figure(f"calls a second, {PACE:g} set for {PACE_SECONDS} s: off by", off, "%", goal=2.0),
        Figure(
            f"answered calls out a second, {AT_ONCE} at a time",
            fastest,
            "/s",
            bare,
            "a bare loop of Originate",
            better="higher",
            goal=0.8,
        ),
        Figure(
            "... each told a text of sixteen seconds",
            told,
            "/s",
            bare_told,
            "a bare loop of Originate, the text by Playback",
            better="higher",
            goal=0.8,
        ),
    ]


async def _campaign(hotline: BusyHotline, flow: str, calls: int, per_second: float, *, first: int) -> float:
    """Calls that began a second, from the first to the last."""
    settings, database = hotline.settings, hotline.database
    plan = NumberPlan(settings.country, settings.area_code)
    people = [NewContact(str(index), numbers=[f"138{first + index:08d}"]) for index in range(calls)]
    limits = DEFAULT_LIMITS.model_copy(
        update={"quiet_from": 24, "quiet_until": 0, "max_channels": 1_000, "calls_per_second": 500.0}
    )
    async with database.transaction() as session:
        await lifecycle.put_limits(session, SYSTEM, limits)
        values = {
            "name": "bench",
            "kind": "notice",
            "flow": flow,
            "caller_id": "8000",
            "texts": Texts().model_dump(mode="json"),
            "channels": ["telephone"],
            "priority": 0,
            "zone": "Asia/Shanghai",
            "windows": Windows(week=(("00:00-24:00",),) * 7, on_holidays=True).model_dump(mode="json"),
            "pacing": Pacing(calls_per_second=min(per_second, 100), max_channels=AT_ONCE).model_dump(mode="json"),
            "retry": RetryRules(most_attempts=1).model_dump(mode="json"),
            "starts_at": now() - timedelta(hours=1),
            "ends_at": now() + timedelta(days=1),
        }
        campaign = (await lifecycle.create_campaign(session, SYSTEM, values, pbx=settings.pbx_name, at=now())).id
    for chunk in range(0, calls, 1_000):
        async with database.transaction() as session:
            await contacts.add_contacts(session, SYSTEM, campaign, people[chunk : chunk + 1_000], plan=plan, at=now())
    async with database.transaction() as session:
        await lifecycle.set_state(session, SYSTEM, campaign, CampaignState.RUNNING, now())

    async def all_over() -> bool:
        async with database.transaction() as session:
            over = select(func.count()).where(CampaignAttempt.campaign_id == campaign, ~CampaignAttempt.is_open)
            return (await session.scalar(over) or 0) >= calls

    await until("all are called", all_over, timeout_seconds=calls / _SLOWEST + 60)
    return await _rate(hotline, campaign, calls)


async def _rate(hotline: BusyHotline, campaign: UUID, calls: int) -> float:
    """Raises AssertionError unless every call was answered."""
    async with hotline.database.transaction() as session:
        query = select(
            func.count().filter(CampaignAttempt.outcome == "completed"),
            func.min(CampaignAttempt.dialled_at),
            func.max(CampaignAttempt.dialled_at),
        ).where(CampaignAttempt.campaign_id == campaign)
        answered, first, last = (await session.execute(query)).one().tuple()
    if answered != calls or first is None or last is None:
        raise AssertionError(f"{answered} of {calls} calls were answered")
    return float((calls - 1) / (last - first).total_seconds())


async def _bare(hotline: BusyHotline, calls: int, extension: str, *, line_is_free: bytes) -> float:
    """Calls that began a second, from the first to the last, of a loop that knows nothing but Originate.

    ``line_is_free``: the event by which it dials the next.
    """
    reader, writer = await asyncio.open_connection(hotline.settings.ami_host, hotline.settings.ami_port)
    writer.write(f"Action: Login\r\nUsername: {BARE_USER}\r\nSecret: {BARE_USER}\r\n\r\n".encode())
    sent, ended, began, last_at = 0, 0, time.perf_counter(), 0.0
    while ended < calls:
        while sent < calls and sent - ended < AT_ONCE:
            number = f"137{sent:08d}"
            writer.write(
                f"Action: Originate\r\nChannel: PJSIP/{number}@trunk\r\nContext: reference\r\nExten: {extension}\r\n"
                "Priority: 1\r\nAsync: true\r\n\r\n".encode()
            )
            sent, last_at = sent + 1, time.perf_counter()
        line = await reader.readline()
        if not line:
            raise ConnectionError("Asterisk closed the connection")
        if line.strip() == line_is_free:
            ended += 1
    writer.close()
    return (calls - 1) / (last_at - began)
