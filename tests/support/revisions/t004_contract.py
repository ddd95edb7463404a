"""A test's own: what nobody uses any more goes.

Revision ID: t004
"""

import sqlalchemy as sa
from alembic import op

revision = "t004"
down_revision = "t003"
branch_labels = None
depends_on = None
phase = "contract"


def upgrade() -> None:
    op.drop_column("queue_visits_by_month", "shade")


def downgrade() -> None:
    op.add_column("queue_visits_by_month", sa.Column("shade", sa.String(), server_default="none", nullable=False))
