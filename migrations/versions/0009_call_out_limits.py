"""Which numbers may be dialled, and how many a day; and from where log-ins were tried in vain.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "call_out_prefixes",
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_call_out_prefixes")),
    )
    op.create_table(
        "call_out_limits",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number_daily", sa.Integer(), nullable=False),
        sa.Column("asker_daily", sa.Integer(), nullable=False),
        sa.Column("total_daily", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_call_out_limits_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_out_limits")),
    )
    op.create_table(
        "call_out_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "scope", "subject", name=op.f("pk_call_out_counts")),
    )
    op.create_table(
        "login_sources",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("failed_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_login_sources")),
    )


def downgrade() -> None:
    op.drop_table("login_sources")
    op.drop_table("call_out_counts")
    op.drop_table("call_out_limits")
    op.drop_table("call_out_prefixes")
