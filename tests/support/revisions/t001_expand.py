"""A test's own: new columns on tables that every call writes.

Revision ID: t001
"""

import sqlalchemy as sa
from alembic import op

from callcenter.core.schema import head_revision

revision = "t001"
down_revision = head_revision()
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.add_column("calls_by_month", sa.Column("colour", sa.String(), nullable=True))
    op.add_column("queue_visits_by_month", sa.Column("shade", sa.String(), server_default="none", nullable=False))
    op.add_column("agents", sa.Column("mood", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("agents", "mood")
    op.drop_column("queue_visits_by_month", "shade")
    op.drop_column("calls_by_month", "colour")
