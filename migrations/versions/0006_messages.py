"""Voice messages, ratings, lengths of recordings.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("rating", sa.Integer(), nullable=True))
    op.add_column("calls", sa.Column("about_agent_number", sa.String(), nullable=True))
    op.add_column("queue_visits", sa.Column("rating", sa.Integer(), nullable=True))
    op.add_column("recordings", sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False))
    op.add_column("recordings", sa.Column("queue_name", sa.String(), nullable=True))
    op.add_column("recordings", sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("recordings", sa.Column("bytes", sa.BigInteger(), nullable=True))
    op.add_column("recordings", sa.Column("duration_seconds", sa.Float(), nullable=True))
    op.add_column("recordings", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_recordings_id"), "recordings", ["id"])
    op.create_index("ix_recordings_started_at_id", "recordings", ["started_at", "id"])
    op.create_index(
        "ix_recordings_unmeasured", "recordings", ["call_id"], postgresql_where=sa.text("measured_at IS NULL")
    )
    op.add_column("work_orders", sa.Column("occasion", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("work_orders", sa.Column("queue_name", sa.String(), nullable=True))
    op.add_column("work_orders", sa.Column("about_agent_number", sa.String(), nullable=True))
    op.add_column("work_orders", sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("work_orders", sa.Column("taken_by", sa.String(), nullable=True))
    op.drop_constraint(op.f("uq_work_orders_kind_call_id"), "work_orders")
    op.create_unique_constraint(
        op.f("uq_work_orders_kind_call_id_occasion"), "work_orders", ["kind", "call_id", "occasion"]
    )
    op.create_index("ix_work_orders_queue_name_number", "work_orders", ["queue_name", "number"])


def downgrade() -> None:
    op.drop_index("ix_work_orders_queue_name_number", table_name="work_orders")
    op.drop_constraint(op.f("uq_work_orders_kind_call_id_occasion"), "work_orders")
    op.execute("DELETE FROM work_orders WHERE kind = 'message'")  # one a call was the rule before
    op.create_unique_constraint(op.f("uq_work_orders_kind_call_id"), "work_orders", ["kind", "call_id"])
    for column in ("taken_by", "taken_at", "about_agent_number", "queue_name", "occasion"):
        op.drop_column("work_orders", column)
    op.drop_index("ix_recordings_unmeasured", table_name="recordings")
    op.drop_index("ix_recordings_started_at_id", table_name="recordings")
    op.drop_constraint(op.f("uq_recordings_id"), "recordings")
    for column in ("deleted_at", "duration_seconds", "bytes", "measured_at", "queue_name", "id"):
        op.drop_column("recordings", column)
    op.drop_column("queue_visits", "rating")
    op.drop_column("calls", "about_agent_number")
    op.drop_column("calls", "rating")
