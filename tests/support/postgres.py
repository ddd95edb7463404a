"""One throw-away PostgreSQL per test run, shared by all xdist workers; one empty, migrated database per test.

The run's directory is named after the controlling process. Whoever needs the server first starts it (the file lock in
EmbeddedPostgres makes the others wait); the controller stops it at the end. What a killed run left behind is ended and
removed by the next one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from callcenter.core import migrate
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.errors import SetupError
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


_spare: list[str] = []
"""At most one, as good as new: a copy of the template costs a quarter of a second, and most tests write little."""


@contextmanager
def lent_database(server: EmbeddedPostgres) -> Iterator[str]:
    """Name of a migrated, empty database, for one test at a time of this process."""
    name = _spare.pop() if _spare else new_database(server)
    try:
        yield name
    finally:
        if not _spare and _is_as_new(server, name):
            _spare.append(name)
        else:
            server.drop_database(name)


def _is_as_new(server: EmbeddedPostgres, name: str) -> bool:
    """Empty it; False when it is not worth it, or a test changed more than rows (tables, settings, statistics)."""
    try:
        return server.query(name, _EMPTY).strip() == _template_look(server)
    except SetupError:  # grown too large, or it lets nobody in: a new one will do
        return False


@lru_cache(maxsize=1)
def _template_look(server: EmbeddedPostgres) -> str:
    name = new_database(server)
    try:
        return server.query(name, f"SELECT {_LOOK}").strip()
    finally:
        server.drop_database(name)


_KEPT = "'alembic_version', 'schema_revisions'"
"""Rows that a migrated schema has; whoever changes them has the database thrown away."""
_LOOK = """md5(concat_ws('|',
    (SELECT string_agg(concat_ws(' ', oid, xmin, relpages, reltuples), ',' ORDER BY oid) FROM pg_class
      WHERE relnamespace = 'public'::regnamespace),
    (SELECT count(*) || ' ' || count(*) FILTER (WHERE relnamespace = 'public'::regnamespace) FROM pg_class),
    (SELECT sum(hashint8(xmin::text::bigint + attnum)) || ' ' || count(*) FROM pg_attribute),
    (SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid) FROM pg_trigger),
    (SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid) FROM pg_constraint),
    (SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
    (SELECT string_agg(concat_ws(' ', indexrelid, xmin), ',' ORDER BY indexrelid) FROM pg_index),
    (SELECT string_agg(nspname, ',' ORDER BY oid) FROM pg_namespace),
    (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384),
    (SELECT string_agg(version_num, ',') FROM alembic_version),
    (SELECT string_agg(r::text, ',' ORDER BY r.revision) FROM schema_revisions r),
    (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting),
    (SELECT concat_ws(' ', datallowconn, datconnlimit) FROM pg_database WHERE datname = current_database())))"""
"""What makes two databases alike but for the rows of their tables."""
_EMPTY = f"""
SET session_replication_role = replica;
DO $$
DECLARE held record;
BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR held IN SELECT oid::regclass AS name, pg_relation_size(oid) AS bytes FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ({_KEPT})
    LOOP
        IF held.bytes > 1000000 THEN RAISE EXCEPTION 'a new one is cheaper'; END IF;
        IF held.bytes > 0 THEN EXECUTE 'DELETE FROM ' || held.name; END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
      WHERE last_value IS NOT NULL AND sequencename <> 'schema_revisions_id_seq';  -- its rows are kept
END $$;
SELECT {_LOOK}"""  # noqa: S608 - nothing of anybody else's is in it


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
