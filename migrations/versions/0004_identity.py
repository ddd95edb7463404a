"""Locks and budgets for check codes; the digits of a card number.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "code_counters",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("failed_at", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name=op.f("pk_code_counters")),
    )
    digits = sa.Computed("regexp_replace(number, '[^0-9]', '', 'g')", persisted=True)
    op.add_column("cards", sa.Column("digits", sa.String(), digits, nullable=False))
    op.create_index(op.f("ix_cards_digits"), "cards", ["digits"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_cards_digits"), table_name="cards")
    op.drop_column("cards", "digits")
    op.drop_table("code_counters")
