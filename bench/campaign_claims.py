"""From due to dialling: claiming contacts, the governor asked, attempts and commands committed; nobody is dialled.

Beside ten thousand, a million and (CALLCENTER_BENCH_CONTACTS=10000000) ten million contacts of one campaign. The
reference is the bare loop on the same table in the same run: lock the next contact, mark it, commit, one by one.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from uuid import UUID

from sqlalchemy import text

from bench.figures import Figure
from bench.places import bench_database
from callcenter.callouts.policy import Home
from callcenter.campaigns import placing, queries, standings
from callcenter.campaigns.governor import DEFAULT_LIMITS
from callcenter.campaigns.placing import Dialling
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan

SIZES = tuple(int(size) for size in os.environ.get("CALLCENTER_BENCH_CONTACTS", "10000 1000000").split())
BATCH = 100
CLAIMED = 4_000
ROUNDS = 5
FLAT = 1.3
CAMPAIGN = UUID(int=1)
_SETUP = """
    INSERT INTO queues (name, label_zh, label_en, strategy, ring_seconds, retry_seconds, wrap_up_seconds,
           max_wait_seconds, capacity, service_level_seconds, short_abandon_seconds, announce_position,
           announce_every_seconds, announce_wait, comfort_prompts, comfort_every_seconds, exit_keys, last_agent_first,
           last_agent_seconds, last_agent_days, excludes_complained_agent, max_missed_calls, active)
    VALUES ('consultation', 'c', 'c', 'leastrecent', 15, 1, 10, 600, 0, 20, 5, true, 30, true, '{}', 45, '', false, 8,
           90, false, 3, true);
    INSERT INTO dids (number, label_zh, label_en, fallback_queue, language)
    VALUES ('8000', 'h', 'h', 'consultation', 'zh')
"""
_FILL = """
    INSERT INTO campaign_contacts (id, campaign_id, key, person, name, language, numbers, variables, state, next_at,
           next_channel, next_number, status, attempts, created_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, '{campaign}', n::text, 'p' || n, 'name', 'zh',
           ARRAY['+86138' || lpad(n::text, 8, '0')], '{{}}', 'waiting', now() - n * interval '1 millisecond',
           'telephone', 0, 'registered', 0, now()
    FROM generate_series(1, {size}) AS n
"""
_WEEK = json.dumps({"week": [["00:00-24:00"]] * 7, "on_holidays": True})


def run() -> Iterator[Figure]:
    ours: dict[int, float] = {}
    bare: dict[int, float] = {}
    for size in SIZES:
        with bench_database() as url:
            ours[size], bare[size] = asyncio.run(_measure(url, size))
        what = f"contact claimed, of {size:,}"
        yield Figure(what, ours[size], "µs", bare[size], "bare loop, one a transaction", goal=1.5)
    smallest, largest = min(SIZES), max(SIZES)
    if largest > smallest:
        what = f"contact claimed, of {largest:,} against {smallest:,}"
        yield Figure(what, ours[largest], "µs", ours[smallest], f"of {smallest:,}", goal=FLAT)


async def _measure(url: str, size: int) -> tuple[float, float]:
    """Microseconds a contact: ours, and the bare loop."""
    database = Database(url)
    try:
        await _fill(database, size)
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(ROUNDS):
            ours.append(await _claim(database, CLAIMED // ROUNDS))
            bare.append(await _bare(database, CLAIMED // ROUNDS // 4))
        return median(ours), median(bare)
    finally:
        await database.close()


async def given_campaign(database: Database) -> None:
    """One that runs, with nobody in it."""
    at = now()
    async with database.transaction() as session:
        for statement in _SETUP.split(";\n"):
            await session.execute(text(statement))
        await session.execute(
            text(
                "INSERT INTO campaigns (id, name, kind, state, priority, pbx, caller_id, flow, texts, channels, zone,"
                " windows, pacing, retry, starts_at, ends_at, created_at, created_by, changed_at, changed_by, version)"
                " VALUES (:id, 'b', 'notice', 'running', 0, 'pbx1', '8000', 'x', '{}', '{telephone}', 'Asia/Shanghai',"
                " CAST(:week AS jsonb), '{}', '{}', :at, :until, :at, 'x', :at, 'x', 1)"
            ),
            {"id": CAMPAIGN, "at": at - timedelta(days=1), "until": at + timedelta(days=1), "week": _WEEK},
        )


async def _fill(database: Database, size: int) -> None:
    await given_campaign(database)
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = (await autocommit.get_raw_connection()).driver_connection
        fill = _FILL.format(campaign=CAMPAIGN, size=size)
        await driver.execute(fill, timeout=3_600)  # type: ignore[union-attr]
        await driver.execute("VACUUM (ANALYZE)", timeout=3_600)  # type: ignore[union-attr]


async def _claim(database: Database, contacts: int) -> float:
    settings = Settings()
    home = Home.of(settings)
    limits = DEFAULT_LIMITS.model_copy(update={"quiet_from": 24, "quiet_until": 0})
    began, claimed = time.perf_counter(), 0
    while claimed < contacts:
        async with database.transaction() as session:
            (campaign,) = await queries.list_running(session, "pbx1")
            at = await queries.database_now(session)
            days = await standings.days_around(session, at, home)
            dialling = Dialling("pbx1", home, NumberPlan(settings.country, settings.area_code), limits, days)
            placed = await placing.place_due(session, campaign, dialling, at, limit=BATCH)
        if placed != BATCH:
            raise AssertionError(f"{placed} of {BATCH} were claimed")
        claimed += placed
    return (time.perf_counter() - began) / claimed * 1e6


async def _bare(database: Database, contacts: int) -> float:
    lock = text(
        "SELECT id FROM campaign_contacts WHERE campaign_id = :campaign AND state = 'waiting' AND next_at <= now()"
        " AND next_channel = 'telephone' ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    mark = text("UPDATE campaign_contacts SET state = 'dialling' WHERE id = :id")
    began = time.perf_counter()
    for _ in range(contacts):
        async with database.transaction() as session:
            found = await session.scalar(lock, {"campaign": CAMPAIGN})
            await session.execute(mark, {"id": found})
    return (time.perf_counter() - began) / contacts * 1e6
