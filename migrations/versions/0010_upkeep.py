"""Each version can tell whether it may work on a schema that a newer one has changed.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
phase = "expand"

_BEFORE = [f"{number:04}" for number in range(1, 10)]


def upgrade() -> None:
    table = op.create_table(
        "schema_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_revisions")),
        sa.UniqueConstraint("revision", name=op.f("uq_schema_revisions_revision")),
    )
    for revision in _BEFORE:  # in order: who reads them asks what came after what it knows
        op.execute(table.insert().values(revision=revision, phase="expand", applied_at=sa.func.now()))


def downgrade() -> None:
    op.drop_table("schema_revisions")
