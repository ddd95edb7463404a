"""A person may be on the do-not-call list, at whichever number.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
phase = "expand"
_NEW = "no release has the table"
accepted = {
    "require-concurrent-index-creation": _NEW,
    "constraint-missing-not-valid": _NEW,
    "ban-drop-not-null": _NEW,
}

_TABLE = "do_not_call_entries"
_CHECK = "ck_do_not_call_entries_of_a_number_or_a_person"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("patient_id", sa.Uuid()))
    op.alter_column(_TABLE, "e164", nullable=True)
    op.create_check_constraint(op.f(_CHECK), _TABLE, "num_nonnulls(e164, patient_id) = 1")
    op.create_index(
        "uq_do_not_call_entries_open_patient_id",
        _TABLE,
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_do_not_call_entries_open_patient_id", _TABLE)
    op.drop_constraint(op.f(_CHECK), _TABLE)
    op.execute("DELETE FROM do_not_call_entries WHERE e164 IS NULL")
    op.alter_column(_TABLE, "e164", nullable=False)
    op.drop_column(_TABLE, "patient_id")
