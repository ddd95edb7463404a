"""What agents write down about calls, and who does not want to be called.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from callcenter.core.online_schema import create_index_online, drop_index_online

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the tables are new: nobody reads them yet"}

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_index_online("ix_work_orders_patient_id", "work_orders", ["patient_id"])
    op.add_column("work_orders", sa.Column("category", sa.String(), nullable=True))
    op.add_column("work_orders", sa.Column("request", sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column("work_orders", sa.Column("opened_by", sa.String(), nullable=True))
    op.add_column(
        "callbacks",
        sa.Column("do_not_call_confirmed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    _create_lists()
    _create_records()


def _create_lists() -> None:
    op.create_table(
        "do_not_call_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("added_at", _AT, nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("until", _AT, nullable=True),
        sa.Column("removed_at", _AT, nullable=True),
        sa.Column("removed_by", sa.String(), nullable=True),
        sa.Column("removal_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_do_not_call_entries")),
    )
    op.create_index(
        "uq_do_not_call_entries_open_e164",
        "do_not_call_entries",
        ["e164"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("ix_do_not_call_entries_added_at_id", "do_not_call_entries", ["added_at", "id"])
    op.create_table(
        "work_order_categories",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("label_zh", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent"], ["work_order_categories.code"], name=op.f("fk_work_order_categories_parent")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_work_order_categories")),
    )
    op.create_table(
        "reveal_reasons",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("label_zh", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_reveal_reasons")),
    )
    op.create_table(
        "disposition_forms",
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_name"], ["queues.name"], name=op.f("fk_disposition_forms_queue_name"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("queue_name", "version", name=op.f("pk_disposition_forms")),
    )


def _create_records() -> None:
    op.create_table(
        "call_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("written_at", _AT, nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("agent_number", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_notes")),
        sa.UniqueConstraint("call_id", "version", name=op.f("uq_call_notes_call_id_version")),
    )
    op.create_index("ix_call_notes_written_at", "call_notes", ["written_at"])
    op.create_table(
        "call_dispositions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("agent_number", sa.String(), nullable=False),
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("saved_at", _AT, nullable=False),
        sa.Column("saved_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_dispositions")),
        sa.UniqueConstraint("call_id", "agent_number", name=op.f("uq_call_dispositions_call_id_agent_number")),
    )
    op.create_index("ix_call_dispositions_saved_at_id", "call_dispositions", ["saved_at", "id"])
    op.create_table(
        "call_patients",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("chosen_at", _AT, nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name=op.f("fk_call_patients_patient_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_patients")),
    )
    op.create_index("ix_call_patients_patient_id", "call_patients", ["patient_id"])
    op.create_index("ix_call_patients_chosen_at", "call_patients", ["chosen_at"])
    op.create_table(
        "call_reveals",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("agent_number", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("revealed_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name=op.f("fk_call_reveals_patient_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "agent_number", "patient_id", name=op.f("pk_call_reveals")),
    )
    op.create_index("ix_call_reveals_patient_id", "call_reveals", ["patient_id"])
    op.create_index("ix_call_reveals_revealed_at", "call_reveals", ["revealed_at"])


def downgrade() -> None:
    for table in (
        "call_reveals",
        "call_patients",
        "call_dispositions",
        "call_notes",
        "disposition_forms",
        "reveal_reasons",
        "work_order_categories",
        "do_not_call_entries",
    ):
        op.drop_table(table)
    op.drop_column("callbacks", "do_not_call_confirmed")
    for column in ("opened_by", "request", "category"):
        op.drop_column("work_orders", column)
    drop_index_online("ix_work_orders_patient_id")
