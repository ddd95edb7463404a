"""Call-backs that keep their place.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('waiting', 'queued', 'dialling')")


def upgrade() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pbx", sa.String(), nullable=False),
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("app_queue", sa.String(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("requested_from", sa.String(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["queue_name"], ["queues.name"], name=op.f("fk_callbacks_queue_name_queues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(
        "uq_callbacks_open_queue_name_e164", "callbacks", ["queue_name", "e164"], unique=True, postgresql_where=_OPEN
    )
    op.create_index("ix_callbacks_open_e164", "callbacks", ["e164"], postgresql_where=_OPEN)
    op.create_index(
        "ix_callbacks_open_next_attempt_at", "callbacks", ["pbx", "next_attempt_at"], postgresql_where=_OPEN
    )
    op.create_index("ix_callbacks_queue_name_requested_at", "callbacks", ["queue_name", "requested_at"])
    op.create_table(
        "callback_attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dialled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_number", sa.String(), nullable=True),
        sa.Column("dial_status", sa.String(), nullable=True),
        sa.Column("hangup_cause", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["callback_id"],
            ["callbacks.id"],
            name=op.f("fk_callback_attempts_callback_id_callbacks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_attempts")),
        sa.UniqueConstraint("callback_id", "number", name=op.f("uq_callback_attempts_callback_id_number")),
    )
    op.create_index(
        "uq_callback_attempts_open_callback_id",
        "callback_attempts",
        ["callback_id"],
        unique=True,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "callback_rules",
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expiry_seconds", sa.Integer(), nullable=False),
        sa.Column("max_open", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_name"],
            ["queues.name"],
            name=op.f("fk_callback_rules_queue_name_queues"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("queue_name", name=op.f("pk_callback_rules")),
    )


def downgrade() -> None:
    op.drop_table("callback_rules")
    op.drop_table("callback_attempts")
    op.drop_table("callbacks")
