"""When the PBX was watched; what became of the ring at an agent's telephone, when callers were held and passed on.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the table is new: nobody reads it yet"}


def upgrade() -> None:
    op.create_table(
        "engine_watch_spans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pbx", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_watch_spans")),
    )
    op.create_index("ix_engine_watch_spans_pbx_ended_at", "engine_watch_spans", ["pbx", "ended_at"])
    op.add_column("legs_by_month", sa.Column("queue_name", sa.String(), nullable=True))
    op.add_column("legs_by_month", sa.Column("offer", sa.String(), nullable=True))
    op.add_column("legs_by_month", sa.Column("held", postgresql.TSTZMULTIRANGE(), nullable=True))
    op.add_column("legs_by_month", sa.Column("transferred_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("legs_by_month", "transferred_at")
    op.drop_column("legs_by_month", "held")
    op.drop_column("legs_by_month", "offer")
    op.drop_column("legs_by_month", "queue_name")
    op.drop_index("ix_engine_watch_spans_pbx_ended_at", "engine_watch_spans")
    op.drop_table("engine_watch_spans")
