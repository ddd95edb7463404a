"""What a supervisor asks for.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the tables are new: nobody reads them yet"}

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "listenings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("seat_name", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("agent_number", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_listenings_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listenings")),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index("uq_listenings_open_user_id", "listenings", ["user_id"], unique=True, postgresql_where=is_open)
    op.create_index("ix_listenings_open", "listenings", ["agent_id"], postgresql_where=is_open)
    op.create_table(
        "day_memberships",
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("penalty_before", sa.Integer(), nullable=True),
        sa.Column("penalty", sa.Integer(), nullable=True),
        sa.Column("until_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_day_memberships_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["queue_name"], ["queues.name"], name=op.f("fk_day_memberships_queue_name_queues"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "queue_name", name=op.f("pk_day_memberships")),
    )
    op.create_index("ix_day_memberships_until_at", "day_memberships", ["until_at"])
    op.create_table(
        "announcements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text_zh", sa.String(), nullable=False),
        sa.Column("text_en", sa.String(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    op.create_index("uq_announcements_open", "announcements", ["scope", "name"], unique=True, postgresql_where=is_open)
    op.add_column("queues", sa.Column("closed_at", INSTANT, nullable=True))
    op.add_column("queues", sa.Column("closed_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("queues", "closed_by")
    op.drop_column("queues", "closed_at")
    op.drop_table("announcements")
    op.drop_table("day_memberships")
    op.drop_table("listenings")
