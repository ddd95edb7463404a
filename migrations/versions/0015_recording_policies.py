"""Recording policies, and scores of recordings.

Revision ID: 0015
Revises: 0014
"""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
