"""What migrations need so that calls go on meanwhile. Each helper may be interrupted and run again.

What stands here runs outside a transaction, after all that the migration did before was committed: so a migration
that uses a helper does nothing else, or only what may be repeated (``IF NOT EXISTS``).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

from callcenter.core.migrate import LOCK_TIMEOUT_MILLISECONDS

BATCH_ROWS = 1000
"""Rows changed in one transaction of a backfill: locked for milliseconds, not for the whole table's time."""

_PAUSE_SECONDS = 0.01
"""Between batches: the hotline comes first."""


def create_index_online(name: str, table: str, columns: Sequence[str], *, unique: bool = False) -> None:
    """CREATE INDEX CONCURRENTLY; a half-made one of an interrupted try is dropped first. Not for partitioned tables."""
    with _outside_a_transaction():
        invalid = op.get_bind().scalar(
            sa.text("SELECT true FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid").bindparams(
                name=name
            )
        )
        if invalid:
            op.drop_index(name, postgresql_concurrently=True)
        op.create_index(name, table, list(columns), unique=unique, if_not_exists=True, postgresql_concurrently=True)


def drop_index_online(name: str) -> None:
    """DROP INDEX CONCURRENTLY."""
    with _outside_a_transaction():
        op.drop_index(name, postgresql_concurrently=True, if_exists=True)


def backfill(table: str, assignment: str, where: str, *, key: str = "id", batch_rows: int = BATCH_ROWS) -> None:
    """``UPDATE table SET assignment WHERE where``, ``batch_rows`` at a time, each committed by itself.

    ``where`` must no longer hold for a row once it is done; all three are a migration's own words, never input.
    """
    update = sa.text(
        f"UPDATE {table} SET {assignment} WHERE {key} IN (SELECT {key} FROM {table} WHERE {where} "  # noqa: S608
        f"ORDER BY {key} LIMIT {batch_rows} FOR UPDATE SKIP LOCKED)"  # it waits for no row, so it is in no deadlock
    )
    left = sa.text(f"SELECT EXISTS (SELECT FROM {table} WHERE {where})")  # noqa: S608
    with _outside_a_transaction():
        bind = op.get_bind()
        while bind.execute(update).rowcount or bind.scalar(left):
            time.sleep(_PAUSE_SECONDS)


@contextmanager
def _outside_a_transaction() -> Iterator[None]:
    """These statements take no lock that callers' statements wait behind, so they may wait as long as they must."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MILLISECONDS}")
