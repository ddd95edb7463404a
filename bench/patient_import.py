"""A patient file loaded by ``callcenter patients import``'s code, against COPY and a plain upsert of the same file.

The reference checks nothing, tells nothing and audits nothing: COPY into a table of texts, then INSERT ... SELECT ...
ON CONFLICT into patients, numbers and cards, with all their keys and indexes, in one transaction.
"""

import asyncio
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench.figures import Figure
from bench.places import bench_databases, bench_directory
from bench.processes import resident_mb
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.patients.importing import ImportReport, import_patients

ROWS = int(os.environ.get("BENCH_PATIENT_ROWS", "200000"))
KEY = "key-of-the-bench"
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰"
COLUMNS = ("external_id", "name", "sex", "birth_date", "language", "email", "numbers", "card_number", "check_code")
REFERENCE = (
    """
    INSERT INTO patients (id, external_id, name, sex, birth_date, language, email, deceased, created_at, updated_at)
    SELECT gen_random_uuid(), external_id, name, sex, birth_date::date, language, nullif(email, ''), false, now(), now()
    FROM bare
    ON CONFLICT (external_id) DO UPDATE
    SET name = excluded.name, sex = excluded.sex, birth_date = excluded.birth_date, language = excluded.language,
        email = excluded.email, updated_at = excluded.updated_at
    WHERE (patients.name, patients.sex, patients.birth_date, patients.language, patients.email)
        IS DISTINCT FROM (excluded.name, excluded.sex, excluded.birth_date, excluded.language, excluded.email)
    """,
    """
    INSERT INTO patient_numbers (e164, patient_id, relation)
    SELECT '+86' || ltrim(number, '0'), patients.id, 'self'
    FROM bare JOIN patients USING (external_id), LATERAL string_to_table(numbers, ';') AS number
    ON CONFLICT (e164, patient_id) DO UPDATE SET relation = excluded.relation
    WHERE patient_numbers.relation IS DISTINCT FROM excluded.relation
    """,
    """
    INSERT INTO cards (number, patient_id, check_code_hash, active)
    SELECT card_number, patients.id, sha256(convert_to(card_number || check_code, 'UTF8')), true
    FROM bare JOIN patients USING (external_id) WHERE card_number <> ''
    ON CONFLICT (number) DO UPDATE SET check_code_hash = excluded.check_code_hash
    WHERE cards.check_code_hash IS DISTINCT FROM excluded.check_code_hash
    """,
)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Seconds of wall time, and of processor time of this process."""

    result: Any
    seconds: float
    own_cpu_seconds: float


def run() -> Iterator[Figure]:
    with bench_databases("ours", "reference") as (ours, reference), bench_directory() as directory:
        file = directory / "patients.csv"
        write_file(file, ROWS)
        memory = _PeakMemory()
        for what, expected in (("all new", (ROWS, 0)), ("again, all unchanged", (0, ROWS))):
            theirs = _measured(lambda: asyncio.run(_load_reference(reference, file)))
            with memory:
                mine = _measured(lambda: asyncio.run(_load_ours(ours, file)))
            if (mine.result.created, mine.result.unchanged) != expected:
                raise RuntimeError(f"Not loaded: {mine.result}")
            told = f"{mine.seconds:.1f} s, {mine.own_cpu_seconds:.1f} s on the processor; {theirs.seconds:.1f} s"
            print(f"{what}: {told}", file=sys.stderr)
            name = f"import of {ROWS:,} patients by CSV, {what}"
            yield Figure(name, mine.seconds, "s", theirs.seconds, "COPY and a plain upsert", goal=3.0)
        size_mb = file.stat().st_size / 1_048_576
        yield Figure(f"memory added while importing, a file of {size_mb:.0f} MB", memory.added_mb, "MB")


def write_file(path: Path, rows: int) -> None:
    """Patients in the order of their ids, each with a card and one or two numbers; the same at every run."""
    chance = random.Random(4)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for row in range(rows):
            name = chance.choice(SURNAMES) + chance.choice(GIVEN) + chance.choice(GIVEN)
            born = f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            numbers = f"13{chance.randrange(10**9):09d}"
            if row % 2:
                numbers += f";0571{chance.randrange(80_000_000, 90_000_000)}"
            card = f"C{row:08d}{chance.randrange(10)}"
            sex, email = chance.choice(("male", "female")), f"p{row}@example.com" if row % 4 == 0 else ""
            code = chance.randrange(100_000, 10**6)
            file.write(f"P{row:09d},{name},{sex},{born},zh,{email},{numbers},{card},{code}\n")


async def _load_ours(url: str, file: Path) -> ImportReport:
    database = Database(url)
    try:
        with file.open("rb") as source:
            return await import_patients(database, source, number_plan=NumberPlan("CN", "0571"), check_code_key=KEY)
    finally:
        await database.close()


async def _load_reference(url: str, file: Path) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with connection.transaction():
            await connection.execute("DROP TABLE IF EXISTS bare")
            await connection.execute(f"CREATE TABLE bare ({', '.join(f'{name} text' for name in COLUMNS)})")
            await connection.copy_to_table("bare", source=file, format="csv", header=True)
            await connection.execute("ANALYZE bare")
            for statement in REFERENCE:
                await connection.execute(statement)
    finally:
        await connection.close()


def _measured(work: Callable[[], Any]) -> _Measured:
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    return _Measured(result, time.perf_counter() - began, time.process_time() - cpu)


class _PeakMemory:
    """How much the process held at most above what it held before, over all times it was entered."""

    def __init__(self) -> None:
        self.added_mb = 0.0

    def __enter__(self) -> None:
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, args=(resident_mb(os.getpid()),))
        self._watcher.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self, before_mb: float) -> None:
        while not self._ended.wait(0.05):
            self.added_mb = max(self.added_mb, resident_mb(os.getpid()) - before_mb)
