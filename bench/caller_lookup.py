"""Who is calling: what a flow asks for each call, at growing numbers of telephone numbers.

Ours is :meth:`DatabaseCallers.recognise`, as the step ``recognise`` calls it: limit, transaction, the patients of a
number with their VIP head start. The reference is one row of patients by its primary key: SQLAlchemy Core on the same
pool, in a transaction of its own, and nothing made of the row. Both in turn, each time for another number.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy import bindparam, select, text

from bench.figures import Figure
from bench.places import bench_database
from callcenter.core.db import Database
from callcenter.ivr.callers import DatabaseCallers
from callcenter.ivr.errors import DatabaseAway
from callcenter.patients.code_guard import CodeLimits
from callcenter.patients.models import Patient

SIZES = (10_000, 1_000_000, 10_000_000)
LOOKUPS = 4_000
"""Of each kind and size; one in four for a number that nobody has."""
WARM_UP = 300
BY_PRIMARY_KEY = select(
    Patient.id, Patient.name, Patient.language, Patient.vip_grade, Patient.deceased, Patient.responsible_doctor_id
).where(Patient.id == bindparam("patient_id"))
FILL = """
    SET LOCAL session_replication_role = replica;  -- no look for each row's patient: there is one
    INSERT INTO patients (id, external_id, name, sex, language, vip_grade, deceased, created_at, updated_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'P' || n, 'name of ' || n, 'unknown', 'zh',
           CASE WHEN n % 50 = 0 THEN 'gold' END, false, now(), now()
    FROM generate_series({first} / 2, {last} / 2 - 1) AS n;
    INSERT INTO patient_numbers (e164, patient_id, relation)
    SELECT '+861' || lpad((n * 97)::text, 10, '0'), lpad(to_hex(n / 2), 32, '0')::uuid, 'self'
    FROM generate_series({first}, {last} - 1) AS n;
    INSERT INTO patient_numbers (e164, patient_id, relation)  -- one in ten is a family's
    SELECT '+861' || lpad((n * 97)::text, 10, '0'), lpad(to_hex(n / 2 + 1), 32, '0')::uuid, 'family'
    FROM generate_series({first}, {last} - 3, 10) AS n;
"""
UNUSED = (
    "ALTER TABLE patients DROP CONSTRAINT uq_patients_external_id",
    "DROP INDEX ix_patients_name",
    "DROP INDEX ix_patient_numbers_patient_id",
)
"""Keys that neither look-up reads: without them ten million rows are there in a minute."""


def run() -> Iterator[Figure]:
    with bench_database() as url:
        yield from asyncio.run(_measure(url))


async def _measure(url: str) -> list[Figure]:
    figures: list[Figure] = []
    medians: list[float] = []
    database = Database(url)
    try:
        await _prepare(database)
        filled = 0
        for size in SIZES:
            await _fill(database, filled, size)
            filled = size
            ours, reference = await _look_up(database, size)
            medians.append(_percentile(ours, 0.5))
            for name, share in (("p50", 0.5), ("p95", 0.95)):
                mine, theirs = _percentile(ours, share), _percentile(reference, share)
                what = f"caller looked up among {size:,} numbers, {name}"
                figures.append(Figure(what, mine, "ms", theirs, "one row by primary key", goal=1.5))
    finally:
        await database.close()
    what = f"caller looked up, {SIZES[-1]:,} against {SIZES[0]:,} numbers, p50"
    return [*figures, Figure(what, medians[-1], "ms", medians[0], "the smaller", goal=1.3)]


async def _prepare(database: Database) -> None:
    async with database.transaction() as session:
        for statement in UNUSED:
            await session.execute(text(statement))
        await session.execute(text("INSERT INTO vip_grades VALUES ('gold', 'gold', 'gold', 600, '{}')"))


async def _fill(database: Database, first: int, last: int) -> None:
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL synchronous_commit = off"))
        for statement in filter(str.strip, FILL.format(first=first, last=last).split(";\n")):
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            await driver.execute(statement, timeout=1_800)  # type: ignore[union-attr]
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = (await autocommit.get_raw_connection()).driver_connection
        await driver.execute("VACUUM (ANALYZE) patients, patient_numbers", timeout=1_800)  # type: ignore[union-attr]
        await driver.execute("CHECKPOINT")  # type: ignore[union-attr]


async def _look_up(database: Database, size: int) -> tuple[Sequence[float], Sequence[float]]:
    """Milliseconds of each look-up: ours, and by primary key."""
    callers = DatabaseCallers(database, "key-of-the-bench", CodeLimits())
    chance = random.Random(size)  # noqa: S311
    ours: list[float] = []
    reference: list[float] = []
    for _ in range(WARM_UP + LOOKUPS):
        number = chance.randrange(size)
        missing = number % 4 == 0
        reference.append(await _timed(_by_primary_key(database, UUID(int=chance.randrange(size // 2)))))
        ours.append(await _timed(_recognise(callers, f"+861{number * 97 + missing:010d}")))
    return ours[WARM_UP:], reference[WARM_UP:]


async def _recognise(callers: DatabaseCallers, e164: str) -> None:
    with suppress(DatabaseAway):  # a machine with too much to do: after a second the call goes on without it
        await callers.recognise(e164)


async def _by_primary_key(database: Database, patient_id: UUID) -> object:
    async with database.engine.begin() as connection:
        return (await connection.execute(BY_PRIMARY_KEY, {"patient_id": patient_id})).first()


async def _timed(question: Awaitable[object]) -> float:
    began = time.perf_counter()
    await question
    return (time.perf_counter() - began) * 1_000


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
