"""Finished contacts of campaigns are found by when they ended, to be deleted in time.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "no release has the table"}


def upgrade() -> None:
    op.create_index(
        "ix_campaign_contacts_finished_at",
        "campaign_contacts",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaign_contacts_finished_at", "campaign_contacts")
