"""Contacts that agents see before they are dialled; whom a campaign tells of its attempts.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
phase = "expand"
accepted: dict[str, str] = {}


def upgrade() -> None:
    op.add_column("campaign_attempts", sa.Column("offered_until", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("report_to", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("campaigns", "report_to")
    op.drop_column("campaign_attempts", "offered_until")
