"""What an agent sees as the telephone rings: asked over the API, beside a million patients and half as many calls.

Each time for another call that rings at the agent: a family's number or a patient's own, lines of the ledger as they
are there at that moment. The whole way is measured: token, transaction, some twenty queries, audit, JSON.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
from sqlalchemy import text, update

from bench.figures import Figure
from bench.places import bench_database
from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import Activity, Agent
from callcenter.app import create_app
from callcenter.core.audit import SYSTEM
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.queues.models import Queue

PATIENTS = 1_000_000
POPS = 200
WARM_UP = 20
PASSWORD = "a password of the bench"  # noqa: S105
CALLS = 500_000
FILL = """
    INSERT INTO patients (id, external_id, name, sex, language, vip_grade, deceased, created_at, updated_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'P' || n, 'name of ' || n, 'unknown', 'zh',
           CASE WHEN n % 50 = 0 THEN 'gold' END, false, now(), now() FROM generate_series(0, {patients} - 1) AS n;
    INSERT INTO patient_numbers (e164, patient_id, relation)
    SELECT '+86138' || lpad(n::text, 8, '0'), lpad(to_hex(n), 32, '0')::uuid, 'self'
    FROM generate_series(0, {patients} - 1) AS n;
    INSERT INTO patient_numbers (e164, patient_id, relation)  -- one in ten is a family's
    SELECT '+86138' || lpad(n::text, 8, '0'), lpad(to_hex(n + 1), 32, '0')::uuid, 'family'
    FROM generate_series(0, {patients} - 2, 10) AS n;
    INSERT INTO visits (id, external_id, patient_id, kind, visited_at, summary)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'V' || n, lpad(to_hex(n), 32, '0')::uuid, 'outpatient',
           now() - n * interval '1 second', 'summary' FROM generate_series(0, {patients} - 1) AS n;
    INSERT INTO appointments (id, external_id, patient_id, booked_at, starts_at, status)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'A' || n, lpad(to_hex(n), 32, '0')::uuid, now(),
           now() + interval '1 day', 'booked' FROM generate_series(0, {calls} - 1) AS n;
    INSERT INTO calls_by_month (id, pbx, direction, caller_number, patient_id, verified, state, outcome, started_at,
           wait_seconds, talk_seconds, hold_seconds, duration_seconds, derived_at)
    SELECT 'pbx1-' || n || '.9', 'pbx1', 'inbound', '+86138' || lpad(n::text, 8, '0'),
           lpad(to_hex(n), 32, '0')::uuid, false, 'finished', 'answered', now() - n * interval '20 seconds', 1, 1, 0, 2,
           now() FROM generate_series(0, {calls} - 1) AS n;
    INSERT INTO work_orders (kind, state, call_id, patient_id, opened_at, due_at, note)
    SELECT 'task', CASE WHEN n % 20 = 0 THEN 'open' ELSE 'closed' END, 'pbx1-' || n || '.9',
           lpad(to_hex(n), 32, '0')::uuid, now(), now(), '' FROM generate_series(0, 99999) AS n;
    INSERT INTO call_notes (call_id, version, text, written_at, written_by)
    SELECT 'pbx1-' || n || '.9', 1, 'note', now(), 'x' FROM generate_series(0, {calls} / 2) AS n;
"""
LINES = """
    INSERT INTO ledger_events_by_month (file_id, "offset", pbx, kind, at, uniqueid, linkedid, channel, context,
           extension, application, peer, extra)
    SELECT 1, :number * 100 + line.number, 'pbx1', line.kind, now(), :call, :call, 'PJSIP/trunk-00000001', 'flow',
           '8000', '', '', CAST(line.extra AS jsonb)
    FROM (VALUES
        (1, 'CHAN_START', '{}'),
        (2, 'CC_CALL', '{"extra": "did=8000:caller=' || CAST(:caller AS text) || '"}'),
        (3, 'CC_FLOW', '{"extra": "flow=main:rev=1:lang=zh"}'),
        (4, 'CC_STEP', '{"extra": "flow=main:step=who:outcome=known"}'),
        (5, 'CC_STEP', '{"extra": "flow=menu:step=menu:outcome=2"}'),
        (6, 'CC_QUEUE', '{"extra": "visit=1:queue=consultation:prio=1"}')) AS line (number, kind, extra)
"""


def run() -> Iterator[Figure]:
    with bench_database() as url:
        yield from asyncio.run(_measure(url))


async def _measure(url: str) -> list[Figure]:
    database = Database(url)
    try:
        await _fill(database)
        with tempfile.TemporaryDirectory(prefix="cc-bench-") as state_dir:
            spent = await _look(database, Path(state_dir))
    finally:
        await database.close()
    what = f"screen pop beside {PATIENTS:,} patients"
    figures = [(0.5, "p50", None), (0.95, "p95", 100.0)]
    return [Figure(f"{what}, {name}", _percentile(spent, share), "ms", goal=goal) for share, name, goal in figures]


async def _fill(database: Database) -> None:
    statements = FILL.format(patients=PATIENTS, calls=CALLS).split(";\n")
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO vip_grades VALUES ('gold', 'gold', 'gold', 600, '{}')"))
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = (await autocommit.get_raw_connection()).driver_connection
        await driver.execute("SET session_replication_role = replica")  # type: ignore[union-attr]
        for statement in filter(str.strip, statements):
            await driver.execute(statement, timeout=1_800)  # type: ignore[union-attr]
        await driver.execute("VACUUM (ANALYZE)", timeout=1_800)  # type: ignore[union-attr]
        await driver.execute("SET session_replication_role = origin")  # type: ignore[union-attr]


async def _look(database: Database, state_dir: Path) -> Sequence[float]:
    """Milliseconds of each pop."""
    async with database.transaction() as session:
        user = await accounts.create_user(
            session,
            SYSTEM,
            username="li.na",
            display_name="Li Na",
            password=PASSWORD,
            roles=[Role.AGENT],
            queue_scope=[],
        )
        agent = await agents.create_agent(session, number="1001", display_name="Li Na", pin=None, key="bench")
        agent.user_id = user.id
        session.add(Queue(name="consultation", label_zh="咨询", label_en="Consultation"))
    app = create_app(Settings(state_dir=state_dir), database)
    transport = httpx.ASGITransport(app)
    spent: list[float] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://bench.test") as client:
        log_in = {"username": "li.na", "password": PASSWORD}
        token = (await client.post("/api/v1/auth/login", json=log_in)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        chance = random.Random(1)  # noqa: S311
        for number in range(WARM_UP + POPS):
            call_id = f"pbx1-{number}.1"
            await _rings(database, number, call_id, f"+86138{chance.randrange(PATIENTS):08d}")
            began = time.perf_counter()
            answer = await client.get(f"/api/v1/agents/me/calls/{call_id}/pop")
            spent.append((time.perf_counter() - began) * 1_000)
            pop = answer.raise_for_status().json()
            if not (pop["candidates"] and pop["way"] and pop["queue"]):
                raise RuntimeError("a pop that is not complete measures nothing")
    return spent[WARM_UP:]


async def _rings(database: Database, number: int, call_id: str, e164: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(LINES), {"number": number, "call": call_id, "caller": e164})
        await session.execute(text("INSERT INTO call_links VALUES (:call, :call)"), {"call": call_id})
        await session.execute(update(Agent).values(activity=Activity.RINGING, activity_call_id=call_id))


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
