"""Calls that agents make and steer.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the table is new: nobody reads it yet"}


def upgrade() -> None:
    op.add_column("agents", sa.Column("live_call", postgresql.JSONB(), nullable=True))
    op.create_table(
        "agent_dials",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_agent_dials_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_dials")),
    )
    op.create_index(op.f("ix_agent_dials_agent_id"), "agent_dials", ["agent_id"])
    op.create_index(op.f("ix_agent_dials_requested_at"), "agent_dials", ["requested_at"])


def downgrade() -> None:
    op.drop_table("agent_dials")
    op.drop_column("agents", "live_call")
