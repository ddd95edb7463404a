"""Queues: overflow, keys, comfort messages, the last agent first.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# what queues that are there already get; the service gives new ones all values itself
NEW = (
    ("announce_wait", sa.Boolean(), "true"),
    ("comfort_prompts", postgresql.ARRAY(sa.String()), "'{queue_comfort}'"),
    ("comfort_every_seconds", sa.Integer(), "45"),
    ("exit_keys", sa.String(), "''"),
    ("last_agent_first", sa.Boolean(), "false"),
    ("last_agent_seconds", sa.Integer(), "8"),
    ("last_agent_days", sa.Integer(), "90"),
    ("excludes_complained_agent", sa.Boolean(), "false"),
)
REFERENCES = (("schedule_name", "schedules"), ("overflow_to", "queues"))


def upgrade() -> None:
    for name, kind, value in NEW:
        op.add_column("queues", sa.Column(name, kind, nullable=False, server_default=sa.text(value)))
        op.alter_column("queues", name, server_default=None)
    for name, table in REFERENCES:
        op.add_column("queues", sa.Column(name, sa.String(), nullable=True))
        op.create_foreign_key(op.f(f"fk_queues_{name}"), "queues", table, [name], ["name"])
    # the order of those who wait is their priority's
    op.drop_column("waiting_callers", "position")


def downgrade() -> None:
    op.add_column("waiting_callers", sa.Column("position", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.alter_column("waiting_callers", "position", server_default=None)
    for name, _table in REFERENCES:
        op.drop_constraint(op.f(f"fk_queues_{name}"), "queues", type_="foreignkey")
        op.drop_column("queues", name)
    for name, _kind, _value in NEW:
        op.drop_column("queues", name)
