"""One throw-away PostgreSQL per test run, shared by all xdist workers; one fresh database per test.

The run's directory is named after the controlling process. Whoever needs the server first starts it (the file lock in
EmbeddedPostgres makes the others wait); the controller stops it at the end. What a killed run left behind is ended and
removed by the next one.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from callcenter.core import migrate
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.ids import new_id
from callcenter.core.runtime_dirs import exclusive_lock

RUN_DIR_VARIABLE = "CALLCENTER_TEST_RUN_DIR"
_PREFIX = f"callcenter-test-{os.geteuid()}-"
TEMPLATE = "migrated_template"


def begin_run() -> None:
    """In the controller, before workers exist: they inherit the variable."""
    _end_abandoned_runs()
    os.environ[RUN_DIR_VARIABLE] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")


def end_run() -> None:
    """In the controller, when all workers are gone."""
    _remove(Path(os.environ.pop(RUN_DIR_VARIABLE)))


def run_dir() -> Path:
    return Path(os.environ[RUN_DIR_VARIABLE])


@lru_cache(maxsize=1)
def shared_server() -> EmbeddedPostgres:
    """The run's server, up, with the migrated template database in it."""
    server = EmbeddedPostgres(run_dir() / "postgres", fast=True)
    server.start()
    with exclusive_lock(run_dir() / "template.lock"):
        if not server.has_database(TEMPLATE):
            draft = f"{TEMPLATE}_draft"
            server.drop_database(draft)
            migrate.upgrade(server.create_database(draft))
            server.create_database(TEMPLATE, template=draft)
    return server


def new_database(server: EmbeddedPostgres) -> str:
    """Name of a fresh copy of the migrated template."""
    name = f"test_{new_id().hex}"
    server.create_database(name, template=TEMPLATE)
    return name


def _end_abandoned_runs() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        controller = path.name.removeprefix(_PREFIX).partition("-")[0]
        if controller.isdigit() and not Path(f"/proc/{controller}").exists():
            _remove(path)


def _remove(path: Path) -> None:
    if (path / "postgres").is_dir():
        EmbeddedPostgres(path / "postgres", fast=True).stop()
    with suppress(FileNotFoundError):  # another run may be clearing the same left-over
        shutil.rmtree(path)
