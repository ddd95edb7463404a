"""What agents write down about calls.

Revision ID: 0013
Revises: 0012
"""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
