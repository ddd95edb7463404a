"""The commands that dialled an attempt are found by it.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
phase = "expand"
accepted: dict[str, str] = {}

_INDEX = "ix_pbx_commands_attempt"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        usual = op.get_bind().scalar(sa.text("SHOW lock_timeout"))
        op.execute("SET lock_timeout = 0")  # no caller's statement waits behind these
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")  # of an attempt that was cut off
        op.execute(
            f"CREATE INDEX CONCURRENTLY {_INDEX} ON pbx_commands ((arguments ->> 'attempt'))"
            " WHERE (arguments ->> 'attempt') IS NOT NULL"
        )
        op.execute(f"SET lock_timeout = '{usual}'")


def downgrade() -> None:
    op.drop_index(_INDEX, "pbx_commands")
