"""What each agent's desk is told, numbered.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the tables are new: nobody reads them yet"}


def upgrade() -> None:
    op.create_table(
        "agent_messages",
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_agent_messages_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "sequence", name=op.f("pk_agent_messages")),
    )
    op.create_index(op.f("ix_agent_messages_at"), "agent_messages", ["at"])
    op.create_table(
        "desk_tickets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_desk_tickets_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_desk_tickets")),
    )
    op.create_index(op.f("ix_desk_tickets_expires_at"), "desk_tickets", ["expires_at"])


def downgrade() -> None:
    op.drop_table("desk_tickets")
    op.drop_table("agent_messages")
