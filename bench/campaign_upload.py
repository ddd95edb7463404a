"""A file of contacts put into a campaign by the code behind the upload, against COPY and one insert-select.

The reference checks nothing and tells nothing: COPY into a table of texts, then INSERT ... SELECT ... ON CONFLICT DO
NOTHING into the contacts, with all their keys and indexes, in one transaction.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
from sqlalchemy import text

from bench.campaign_claims import CAMPAIGN, given_campaign
from bench.figures import Figure
from bench.places import bench_databases, bench_directory
from callcenter.campaigns.importing import import_contacts
from callcenter.core.audit import SYSTEM
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan

ROWS = int(os.environ.get("CALLCENTER_BENCH_UPLOAD_ROWS", "1000000"))
COLUMNS = ("key", "name", "number", "when")
_REFERENCE = """
    INSERT INTO campaign_contacts (id, campaign_id, key, person, name, language, numbers, variables, state, next_at,
           next_channel, next_number, status, attempts, created_at)
    SELECT gen_random_uuid(), $1, key, '+86' || number, name, 'zh', ARRAY['+86' || number],
           jsonb_build_object('when', "when"), 'new', now(), 'telephone', 0, 'registered', 0, now()
    FROM bare ON CONFLICT (campaign_id, key) DO NOTHING
"""


def run() -> Iterator[Figure]:
    with bench_databases("ours", "reference") as (ours, reference), bench_directory() as directory:
        file = directory / "contacts.csv"
        write_file(file, ROWS)
        theirs, theirs_in = asyncio.run(_load_reference(reference, file))
        mine, mine_in = asyncio.run(_load_ours(ours, file))
        if (mine_in, theirs_in) != (ROWS, ROWS):
            raise AssertionError(f"{mine_in} and {theirs_in} of {ROWS} contacts are in")
    yield Figure(f"upload of {ROWS:,} contacts by CSV", mine, "s", theirs, "COPY and one insert-select", goal=3.0)


def write_file(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for row in range(rows):
            file.write(f"K{row:08d},病人{row % 1000},138{row:08d},11月{1 + row % 30}日上午9:30\n")


async def _load_ours(url: str, file: Path) -> tuple[float, int]:
    database = Database(url)
    try:
        await given_campaign(database)
        began = time.perf_counter()
        with file.open("rb") as source:
            await import_contacts(database, SYSTEM, CAMPAIGN, source, plan=NumberPlan("CN", "0571"))
        return time.perf_counter() - began, await _count(database)
    finally:
        await database.close()


async def _load_reference(url: str, file: Path) -> tuple[float, int]:
    database = Database(url)
    try:
        await given_campaign(database)
        began = time.perf_counter()
        await _copy(url, file, CAMPAIGN)
        return time.perf_counter() - began, await _count(database)
    finally:
        await database.close()


async def _copy(url: str, file: Path, campaign: UUID) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with connection.transaction():
            names = ", ".join(f'"{name}" text' for name in COLUMNS)
            await connection.execute(f"CREATE TEMPORARY TABLE bare ({names})")
            await connection.copy_to_table("bare", source=file, format="csv", header=True)
            await connection.execute(_REFERENCE, campaign, timeout=3_600)
    finally:
        await connection.close()


async def _count(database: Database) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(text("SELECT count(*) FROM campaign_contacts")) or 0)
