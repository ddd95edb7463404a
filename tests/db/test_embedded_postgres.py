"""The embedded server on real files and processes; each test has a server of its own, or none."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.errors import SetupError
from callcenter.core.processes import poll_until
from tests.support.postgres import shared_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "pg", fast=True)
    yield server
    server.stop()


async def one(url: str, query: str) -> object:
    database = Database(url)
    try:
        async with database.transaction() as session:
            return (await session.execute(text(query))).scalar_one()
    finally:
        await database.close()


async def test_first_start_makes_a_database_that_answers_over_a_private_socket_only(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert await one(url, "SELECT current_database()") == "callcenter"
    assert await one(url, "SHOW listen_addresses") == ""
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert server.data_dir.stat().st_mode & 0o077 == 0


async def test_data_is_kept_over_stop_and_start(server: EmbeddedPostgres) -> None:
    url = server.start()
    name = server.create_database("kept")
    server.stop()
    assert not server.status().running
    assert server.start() == url
    assert await one(name, "SELECT current_database()") == "kept"


def test_starting_twice_keeps_the_running_server(server: EmbeddedPostgres) -> None:
    server.start()
    first = server.status().pid
    assert first is not None
    EmbeddedPostgres(server.directory, fast=True).start()
    assert server.status().pid == first


def test_two_starting_at_once_get_one_server(server: EmbeddedPostgres) -> None:
    program = (
        "import sys; from pathlib import Path; from callcenter.core.embedded_postgres import EmbeddedPostgres as E;"
        "e = E(Path(sys.argv[1]), fast=True); e.start(); print(e.status().pid)"
    )

    def start(_: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, str(server.directory)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    with ThreadPoolExecutor(2) as pool:
        pids = set(pool.map(start, range(2)))
    assert pids == {str(server.status().pid)}


def test_the_server_outlives_a_killed_application_and_is_found_again(server: EmbeddedPostgres) -> None:
    program = (
        "import os, sys; from pathlib import Path; from callcenter.core.embedded_postgres import EmbeddedPostgres as E;"
        "E(Path(sys.argv[1]), fast=True).start(); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(server.directory)], check=False)
    assert done.returncode == -signal.SIGKILL
    pid = server.status().pid
    assert pid is not None
    server.start()
    assert server.status().pid == pid


async def test_a_killed_server_is_started_again_over_its_stale_pid_file(server: EmbeddedPostgres) -> None:
    url = server.start()
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert poll_until(lambda: not server.status().running, 10)
    assert (server.data_dir / "postmaster.pid").exists()
    server.start()
    assert await one(url, "SELECT 1") == 1


def test_a_stale_pid_file_that_names_a_stranger_does_not_stop_it(server: EmbeddedPostgres) -> None:
    server.start()
    owner = server.data_dir.stat()
    pid_file = server.data_dir / "postmaster.pid"
    content = pid_file.read_text()
    server.stop()
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *content.splitlines()[1:]]) + "\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        assert not server.status().running
        server.start()
        assert server.has_database("callcenter")
        assert stranger.poll() is None, "a process that is not ours was ended"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_broken_half_of_initdb_is_not_taken_for_a_cluster(server: EmbeddedPostgres) -> None:
    half = server.directory / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert server.status().running
    assert not half.exists()


def test_data_of_another_major_version_is_refused_with_the_remedy(server: EmbeddedPostgres) -> None:
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "PG_VERSION").write_text("16\n")
    with pytest.raises(SetupError, match=r"made by PostgreSQL 16 and this is 18: .*CALLCENTER_DATABASE_URL"):
        server.start()


def test_a_server_that_cannot_start_names_its_log_and_leaves_nothing_running(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data_dir / "global" / "pg_control").unlink()
    with pytest.raises(SetupError, match=str(server.log_file.parent)):
        server.start(timeout_seconds=10)
    assert not server.status().running


def test_a_deep_directory_gets_a_short_socket_path(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("deep " * 15) / "pg", fast=True)
    try:
        server.start()
        assert server.has_database("callcenter")
    finally:
        server.stop()
        server.socket_dir.rmdir()


async def test_a_copied_template_has_its_tables_and_a_dropped_database_is_gone(server: EmbeddedPostgres) -> None:
    server.start()
    template = Database(server.create_database("template"))
    async with template.transaction() as session:
        await session.execute(text("CREATE TABLE fact (id int)"))
    await template.close()
    copy = server.create_database("copy", template="template")
    assert await one(copy, "SELECT count(*) FROM fact") == 0
    server.drop_database("copy")
    assert not server.has_database("copy")


async def test_the_tests_own_database_is_migrated(database: Database) -> None:
    async with database.transaction() as session:
        revision = (await session.execute(text("SELECT count(*) FROM alembic_version"))).scalar_one()
    assert revision == 1
    assert shared_server().status().running
