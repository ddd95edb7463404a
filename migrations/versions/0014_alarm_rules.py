"""Alarm rules, and who is told.

Revision ID: 0014
Revises: 0013
"""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
