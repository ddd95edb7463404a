"""The database as one file and back: pg_dump and pg_restore of the embedded PostgreSQL, for any server up to theirs."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from callcenter.backup.errors import BackupDamaged, BackupRefused, RestoreRefused
from callcenter.core.bus import connect
from callcenter.core.db import CONNECTION_FAULTS
from callcenter.core.embedded_postgres import MAJOR, client_program
from callcenter.core.errors import CallcenterError
from callcenter.core.progress import Progress

_OLDEST_RESTORABLE = 17
"""pg_restore 18 sets transaction_timeout, which older servers refuse."""
_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""
_OTHERS = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'callcenter-%' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of the database that stands still while it is open. ``rows``: per table."""

    id: str
    rows: dict[str, int]
    schema_revision: str
    postgres_major: int


async def check_source(url: str) -> None:
    """Raises BackupRefused: a server newer than our pg_dump, or a database without our schema."""
    connection = await _connect(url, BackupRefused)
    try:
        if (major := await _major(connection)) > int(MAJOR):
            raise BackupRefused(
                f"The server is PostgreSQL {major} and pg_dump here is {MAJOR}: back it up with its own pg_dump."
            )
        if "alembic_version" not in await _tables(connection):
            raise BackupRefused("The database holds no call centre: nothing to back up; run callcenter db upgrade.")
    finally:
        connection.terminate()


@asynccontextmanager
async def open_snapshot(url: str, progress: Progress) -> AsyncIterator[Snapshot]:
    """Of a database that :func:`check_source` found well."""
    connection = await _connect(url, BackupRefused)
    try:
        major = await _major(connection)
        # ended with the connection: a ROLLBACK would wait for whatever holds us up when we are to stop
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot_id = await connection.fetchval("SELECT pg_export_snapshot()")
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        yield Snapshot(snapshot_id, await _count(connection, await _tables(connection), progress), revision, major)
    finally:
        connection.terminate()


async def dump(url: str, snapshot: Snapshot, target: Path, progress: Progress) -> None:
    """Custom format, compressed. Raises BackupRefused with pg_dump's words."""
    arguments = ["--format=custom", "--no-owner", "--no-privileges"]
    arguments += [f"--snapshot={snapshot.id}", f"--file={target}"]

    def doing() -> None:
        size = target.stat().st_size if target.exists() else 0
        progress(f"dumping the database: {size / 1e6:.0f} MB")

    await _run("pg_dump", url, arguments, BackupRefused, doing)


async def check_target(url: str, *, dump_major: int, replace: bool) -> bool:
    """Whether the database holds tables already. Raises RestoreRefused for what speaks against restoring there."""
    connection = await _connect(url, RestoreRefused)
    try:
        major = await _major(connection)
        if not max(dump_major, _OLDEST_RESTORABLE) <= major <= int(MAJOR):
            oldest = max(dump_major, _OLDEST_RESTORABLE)
            raise RestoreRefused(f"The server is PostgreSQL {major}: restore into one of version {oldest} to {MAJOR}.")
        if others := [row[0] for row in await connection.fetch(_OTHERS)]:
            raise RestoreRefused(f"The service still uses this database ({', '.join(others)}): stop it first.")
        tables = await _tables(connection)
        if tables and not replace:
            raise RestoreRefused(
                f"The database already holds {len(tables)} tables: choose an empty one, or give --replace to lose them."
            )
        return bool(tables)
    finally:
        connection.terminate()


async def restore(url: str, source: Path, *, empty_first: bool, progress: Progress) -> None:
    """All of it or, in an empty database, nothing. Raises BackupDamaged for a dump that pg_restore cannot read."""
    listed = await _run("pg_restore", None, ["--list", str(source)], BackupDamaged, lambda: None)
    if not listed:
        raise BackupDamaged(f"{source} is empty: take another backup.")
    if empty_first:
        connection = await _connect(url, RestoreRefused)
        try:
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public", timeout=600)
        finally:
            connection.terminate()
    arguments = ["--no-owner", "--no-privileges", "--schema=public", "--single-transaction", "--exit-on-error"]
    arguments += [f"--dbname={make_url(url).database}", str(source)]
    await _run("pg_restore", url, arguments, RestoreRefused, lambda: progress("restoring the database"))


async def count_rows(url: str, progress: Progress) -> dict[str, int]:
    connection = await _connect(url, RestoreRefused)
    try:
        return await _count(connection, await _tables(connection), progress)
    finally:
        connection.terminate()


# -- steps


async def _connect(url: str, refusal: type[CallcenterError]) -> asyncpg.Connection:
    try:
        return await connect(url, application_name="callcenter-backup")
    except CONNECTION_FAULTS as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise refusal(
            f"PostgreSQL at {where} cannot be used ({type(error).__name__}): "
            "start it or correct CALLCENTER_DATABASE_URL."
        ) from error


async def _major(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SHOW server_version_num")) // 10000


async def _tables(connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(_TABLES)]


async def _count(connection: asyncpg.Connection, tables: Sequence[str], progress: Progress) -> dict[str, int]:
    rows = {}
    for table in tables:
        progress(f"counting rows: {table}")
        rows[table] = await connection.fetchval(f'SELECT count(*) FROM public."{table}"', timeout=3600)  # noqa: S608
    return rows


async def _run(
    program: str, url: str | None, arguments: list[str], refusal: type[CallcenterError], doing: Callable[[], None]
) -> bytes:
    """Its output. The password goes by the environment: a command line is for all to see."""
    process = await asyncio.create_subprocess_exec(
        str(client_program(program)),
        *arguments,
        env={**os.environ, **(_environment(url) if url else {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ending = asyncio.create_task(process.communicate())
    try:
        while not ending.done():
            doing()
            await asyncio.wait({ending}, timeout=0.5)
        output, words = ending.result()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = words.decode(errors="replace").strip().splitlines()
        raise refusal(f"{program} failed ({said[0] if said else process.returncode}): mend that and repeat.")
    return output


def _environment(url: str) -> dict[str, str]:
    parsed = make_url(url)
    query = {name: value if isinstance(value, str) else value[0] for name, value in parsed.query.items()}
    values = {
        "PGHOST": parsed.host or query.get("host"),
        "PGPORT": str(parsed.port or query.get("port") or 5432),
        "PGUSER": parsed.username or query.get("user"),
        "PGPASSWORD": parsed.password,
        "PGDATABASE": parsed.database,
        "PGSSLMODE": query.get("ssl") or query.get("sslmode"),
        "PGAPPNAME": "callcenter-backup",
    }
    return {name: value for name, value in values.items() if value}
