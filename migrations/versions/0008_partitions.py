"""partitions.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.add_column("ledger_files", sa.Column("derived_offset", sa.BigInteger(), nullable=True))
    for table, name in (
        ("legs", "fk_legs_call_id"),
        ("queue_visits", "fk_queue_visits_call_id"),
        ("call_steps", "fk_call_steps_call_id"),
        ("recordings", "fk_recordings_call_id"),
    ):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}_calls")


def downgrade() -> None: ...
