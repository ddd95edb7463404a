"""What each agent's desk is told, numbered.

Revision ID: 0011
Revises: 0010
"""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
