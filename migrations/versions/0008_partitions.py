"""Calls and ledger lines lie in partitions by month.

Each table becomes the first partition of a new one, ``<table>_by_month``, and keeps its name, its rows and its keys: so
processes of the previous version go on writing into it until the month in which it ends, one to two from now.

Revision ID: 0008
Revises: 0007
"""

# ruff: noqa: S608 - words of this file alone

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
phase = "expand"


@dataclass(frozen=True)
class _Table:
    """``time``: the column of its month; ``key``: unique together with it; ``indexes``: the others that are wanted.

    ``spare``: indexes that only the previous version uses. ``has_id``: numbered by a sequence.
    """

    name: str
    time: str
    key: str
    indexes: tuple[tuple[str, str], ...]
    spare: tuple[str, ...] = ()
    has_id: bool = False
    call_key: str | None = None
    """Name of its foreign key to calls."""


_TABLES = (
    _Table(
        "ledger_events",
        "at",
        'file_id, "offset"',
        (("linkedid", "linkedid"),),
        ("ix_ledger_events_uniqueid",),
        has_id=True,
    ),
    _Table("queue_log_events", "at", 'file_id, "offset"', (("callid", "callid"),), has_id=True),
    _Table(
        "calls",
        "started_at",
        "id",
        (
            ("started_at_id", "started_at, id"),
            ("caller_number_started_at", "caller_number, started_at"),
            ("patient_id_started_at", "patient_id, started_at"),
            ("agent_number_started_at", "agent_number, started_at"),
            ("open", "pbx, started_at) WHERE (state = 'open'"),
        ),
    ),
    _Table(
        "legs",
        "started_at",
        "uniqueid",
        (("agent_number_started_at", "agent_number, started_at"), ("call_id", "call_id")),
        call_key="fk_legs_call_id",
    ),
    _Table(
        "queue_visits",
        "entered_at",
        "uniqueid, number",
        (("call_id", "call_id"), ("queue_name_entered_at", "queue_name, entered_at")),
        has_id=True,
        call_key="fk_queue_visits_call_id",
    ),
    _Table("call_steps", "at", "call_id, number", (), has_id=True, call_key="fk_call_steps_call_id"),
)

_MONTHS_AHEAD = 3


def upgrade() -> None:
    """Piece by piece, each atomic, short and repeatable: one that finds its table busy is tried again."""
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE ledger_files ADD COLUMN IF NOT EXISTS derived_offset bigint")
        op.execute("ALTER TABLE recordings DROP CONSTRAINT IF EXISTS fk_recordings_call_id")
        for table in _TABLES:
            with _patience():
                _create_index(table.name, "key", f"{table.key}, {table.time}", unique=True)
                for name, columns in table.indexes:
                    _create_index(table.name, name, columns)
            _put_bound(table)
            with _patience():
                op.execute(_validate(table))
            op.execute(_become_partition(table))
            for number in range(_MONTHS_AHEAD):
                op.execute(_add_month(table, number))
            op.execute(_drop_spare(table))


def downgrade() -> None:
    """Everything back into one table each; later months are copied."""
    for table in _TABLES:
        op.execute(_become_whole(table))
    for child in (*(table.name for table in _TABLES if table.call_key), "recordings"):
        op.execute(f"DELETE FROM {child} WHERE NOT EXISTS (SELECT FROM calls WHERE calls.id = {child}.call_id)")
        op.create_foreign_key(f"fk_{child}_call_id", child, "calls", ["call_id"], ["id"], ondelete="CASCADE")
    op.drop_column("ledger_files", "derived_offset")


@contextmanager
def _patience() -> Iterator[None]:
    """For statements that no caller's statement waits behind."""
    bind = op.get_bind()
    usual = bind.scalar(sa.text("SHOW lock_timeout"))
    op.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        op.execute(f"SET lock_timeout = '{usual}'")


def _create_index(table: str, name: str, columns: str, *, unique: bool = False) -> None:
    """Under a name of its own; one that was there under another serves as well, and stays."""
    index = f"{table}_{name}"
    invalid = sa.text("SELECT true FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")
    if op.get_bind().scalar(invalid.bindparams(name=index)):
        op.execute(f"DROP INDEX CONCURRENTLY {index}")
    if not unique and name != "open":
        return  # the model's, made long ago as ix_<table>_<name>
    kind = "UNIQUE INDEX" if unique else "INDEX"
    op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {index} ON {table} ({columns})")


def _put_bound(table: _Table) -> None:
    """Its rows end before the first of a month, at least one month from now, and behind what is there already."""
    op.execute(f"""
        DO $$ DECLARE newest timestamptz; bound timestamptz; BEGIN
            IF to_regclass('{table.name}_by_month') IS NULL AND NOT EXISTS (
                SELECT FROM pg_constraint WHERE conname = 'ck_{table.name}_month'
            ) THEN
                SELECT max({table.time}) INTO newest FROM {table.name};
                bound := greatest(
                    date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months',
                    date_trunc('month', newest AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
                EXECUTE format('ALTER TABLE {table.name} ADD CONSTRAINT ck_{table.name}_month '
                    'CHECK ({table.time} IS NOT NULL AND {table.time} < %L) NOT VALID', bound);
            END IF;
        END $$
    """)


def _validate(table: _Table) -> str:
    return f"""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'ck_{table.name}_month' AND NOT convalidated) THEN
                ALTER TABLE {table.name} VALIDATE CONSTRAINT ck_{table.name}_month;
            END IF;
        END $$
    """


def _become_partition(table: _Table) -> str:
    parent = f"{table.name}_by_month"
    drop_key = f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {table.call_key};" if table.call_key else ""
    numbered = f"""
        next_id := nextval(pg_get_serial_sequence('{table.name}', 'id'));
        ALTER TABLE {table.name} ALTER id DROP IDENTITY;
        CREATE SEQUENCE {table.name}_ids;
        PERFORM setval('{table.name}_ids', next_id);
        ALTER TABLE {table.name} ALTER id SET DEFAULT nextval('{table.name}_ids');
    """
    indexes = "\n".join(f"CREATE INDEX ix_{parent}_{name} ON {parent} ({columns});" for name, columns in table.indexes)
    return f"""
        DO $$ DECLARE next_id bigint; bound text; BEGIN
            IF to_regclass('{parent}') IS NULL THEN
                {drop_key}
                {numbered if table.has_id else ""}
                SELECT substring(pg_get_constraintdef(oid) FROM '<\\s*''([^'']+)''') INTO bound
                    FROM pg_constraint WHERE conname = 'ck_{table.name}_month';
                CREATE TABLE {parent} (LIKE {table.name} INCLUDING DEFAULTS) PARTITION BY RANGE ({table.time});
                CREATE UNIQUE INDEX uq_{parent} ON {parent} ({table.key}, {table.time});
                {indexes}
                EXECUTE format('ALTER TABLE {parent} ATTACH PARTITION {table.name} '
                    'FOR VALUES FROM (MINVALUE) TO (%L)', bound);
                ALTER TABLE {table.name} DROP CONSTRAINT ck_{table.name}_month;
                CREATE TABLE {table.name}_default PARTITION OF {parent} DEFAULT;
            END IF;
        END $$
    """


def _add_month(table: _Table, number: int) -> str:
    """The ``number``-th month behind the first partition."""
    return f"""
        DO $$ DECLARE start timestamptz; BEGIN
            SELECT (substring(pg_get_expr(relpartbound, oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz
                AT TIME ZONE 'UTC' + {number} * interval '1 month') AT TIME ZONE 'UTC'
                INTO start FROM pg_class WHERE oid = '{table.name}'::regclass;
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF {table.name}_by_month '
                'FOR VALUES FROM (%L) TO (%L)',
                '{table.name}_' || to_char(start AT TIME ZONE 'UTC', 'YYYY_MM'), start,
                (start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
        END $$
    """


def _drop_spare(table: _Table) -> str:
    """An installation that has read no ledger yet has nobody who uses them."""
    drops = [f"DROP INDEX IF EXISTS {name};" for name in table.spare]
    if table.has_id:
        drops.append(f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS pk_{table.name};")
    if not drops:
        return "SELECT"
    return f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM ledger_files) THEN {' '.join(drops)} END IF; END $$"


def _become_whole(table: _Table) -> str:
    parent, name = f"{table.name}_by_month", table.name
    numbered = f"""
        SELECT last_value + 1 INTO next_id FROM {name}_ids;
        ALTER TABLE {name} ALTER id DROP DEFAULT;
        ALTER TABLE {name} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
        PERFORM setval(pg_get_serial_sequence('{name}', 'id'), next_id);
    """
    old_key = f"uq_{name}_{table.key.replace(', ', '_').replace(chr(34), '')}"
    primary = "id" if table.has_id else table.key
    spares = "".join(
        f"CREATE INDEX IF NOT EXISTS {spare} ON {name} ({spare.removeprefix(f'ix_{name}_')});" for spare in table.spare
    )
    unique = f"""
        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{old_key}') THEN
            ALTER TABLE {name} ADD CONSTRAINT {old_key} UNIQUE ({table.key});
        END IF;
    """
    indexes = "".join(
        f"CREATE INDEX IF NOT EXISTS ix_{name}_{index} ON {name} ({columns});"
        for index, columns in table.indexes
        if index != "open"
    )
    return f"""
        DO $$ DECLARE next_id bigint; BEGIN
            IF to_regclass('{name}') IS NULL THEN
                CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS);
            ELSE
                ALTER TABLE {parent} DETACH PARTITION {name};
            END IF;
            INSERT INTO {name} SELECT * FROM {parent};
            DROP INDEX IF EXISTS {name}_key;
            DROP INDEX IF EXISTS {name}_open;
            {numbered if table.has_id else ""}
            DROP TABLE {parent};
            {f"DROP SEQUENCE {name}_ids;" if table.has_id else ""}
            IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'pk_{name}') THEN
                ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY ({primary});
            END IF;
            {unique if table.has_id else ""}
            {spares}
            {indexes}
        END $$
    """
