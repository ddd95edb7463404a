"""Alarm rules, and who is told.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {
    "require-concurrent-index-creation": "the tables are made here, nobody is in them",
    "ban-drop-default": "of a column that is made here: the previous version writes no such column",
}


def upgrade() -> None:
    _widen_alarms()
    op.create_table(
        "alarm_rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("label_zh", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("comparison", sa.String(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("for_seconds", sa.Float(), nullable=False),
        sa.Column("clear_threshold", sa.Float(), nullable=False),
        sa.Column("clear_seconds", sa.Float(), nullable=False),
        sa.Column("window_minutes", sa.Integer(), nullable=False),
        sa.Column("minimum_calls", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("scope", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("tell_roles", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("tell_users", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("mail_to", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("webhooks", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_rules")),
    )
    op.create_table(
        "alarm_rule_states",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alarm_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["alarm_rules.id"], name=op.f("fk_alarm_rule_states_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rule_id", "subject", name=op.f("pk_alarm_rule_states")),
    )
    op.create_table(
        "alarm_readings",
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("pbx", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("measure", "subject", name=op.f("pk_alarm_readings")),
    )
    op.create_index("ix_alarm_readings_pbx", "alarm_readings", ["pbx"])
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
    )
    op.create_index(
        "ix_outbox_messages_due", "outbox_messages", ["due_at"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "ix_outbox_messages_sending", "outbox_messages", ["claimed_by"], postgresql_where=sa.text("state = 'sending'")
    )
    op.create_index("ix_outbox_messages_reference", "outbox_messages", ["purpose", "reference"])
    op.create_index("ix_outbox_messages_finished_at", "outbox_messages", ["finished_at"])


def _widen_alarms() -> None:
    op.add_column("alarms", sa.Column("rule_id", sa.String(), nullable=True))
    op.add_column("alarms", sa.Column("queues", postgresql.ARRAY(sa.String()), nullable=True))
    op.add_column("alarms", sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
    # what is past is no news: the rows that are there get a value, without being written
    op.execute("ALTER TABLE alarms ADD COLUMN told_at timestamptz DEFAULT now()")
    op.execute("ALTER TABLE alarms ALTER COLUMN told_at DROP DEFAULT")


def downgrade() -> None:
    op.drop_table("outbox_messages")
    op.drop_table("alarm_readings")
    op.drop_table("alarm_rule_states")
    op.drop_table("alarm_rules")
    for column in ("told_at", "cleared_at", "queues", "rule_id"):
        op.drop_column("alarms", column)
