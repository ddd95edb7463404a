"""Telephones in the browser: what kind of telephone stands at a seat.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.add_column("seats", sa.Column("kind", sa.String(), nullable=False, server_default="phone"))


def downgrade() -> None:
    op.drop_column("seats", "kind")
