"""A test's own: old rows get their value, a few at a time.

Revision ID: t002
"""

from callcenter.core.online_schema import backfill

revision = "t002"
down_revision = "t001"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    backfill("calls_by_month", "colour = 'blue'", "colour IS NULL", batch_rows=2)
    backfill("agents", "mood = 'calm'", "mood IS NULL", key="number", batch_rows=2)


def downgrade() -> None: ...
