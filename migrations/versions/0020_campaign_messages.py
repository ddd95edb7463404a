"""Mail and text messages of campaigns: to patients, with a time to be sent in, and what was reported of them.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {
    "require-concurrent-index-creation": "no release has the table that came with the last revision",
    "require-concurrent-index-deletion": "as above",
}


def upgrade() -> None:
    op.add_column("outbox_messages", sa.Column("is_private", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox_messages", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox_messages", sa.Column("token", sa.String(), server_default="", nullable=False))
    op.add_column("outbox_messages", sa.Column("report", sa.String(), nullable=True))
    _index_due("campaign_id", "next_channel", "next_at")


def downgrade() -> None:
    _index_due("campaign_id", "next_at")
    op.drop_column("outbox_messages", "report")
    op.drop_column("outbox_messages", "token")
    op.drop_column("outbox_messages", "expires_at")
    op.drop_column("outbox_messages", "is_private")


def _index_due(*columns: str) -> None:
    op.drop_index("ix_campaign_contacts_due", "campaign_contacts")
    op.create_index(
        "ix_campaign_contacts_due", "campaign_contacts", list(columns), postgresql_where=sa.text("state = 'waiting'")
    )
