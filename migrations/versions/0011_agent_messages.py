"""What each agent's desk is told, numbered; calls an agent missed; skills.

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
    op.create_table(
        "skills",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("label_zh", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_skills")),
    )
    op.create_table(
        "agent_skills",
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_agent_skills_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["skill"], ["skills.code"], name=op.f("fk_agent_skills_skill_skills"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "skill", name=op.f("pk_agent_skills")),
    )
    op.create_index(op.f("ix_agent_skills_skill"), "agent_skills", ["skill"])
    op.add_column("agents", sa.Column("missed_calls", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("pause_reasons", sa.Column("by_system", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("queues", sa.Column("max_missed_calls", sa.Integer(), server_default=sa.text("3"), nullable=False))
    op.add_column("queues", sa.Column("skill", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("queues", "skill")
    op.drop_column("queues", "max_missed_calls")
    op.drop_column("pause_reasons", "by_system")
    op.drop_column("agents", "missed_calls")
    op.drop_table("agent_skills")
    op.drop_table("skills")
    op.drop_table("desk_tickets")
    op.drop_table("agent_messages")
