"""Calls out: campaigns, their contacts and attempts, what was said, why who was called or not.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the tables are new: nobody reads them yet"}

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("pbx", sa.String(), nullable=False),
        sa.Column("caller_id", sa.String(), nullable=False),
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("windows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pacing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("changed_at", _AT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", _AT, nullable=True),
        sa.Column("finished_at", _AT, nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'running', 'paused', 'finished', 'cancelled')", name=op.f("ck_campaigns_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_campaigns_validity")),
        sa.ForeignKeyConstraint(["caller_id"], ["dids.number"], name=op.f("fk_campaigns_caller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index("ix_campaigns_created_at_id", "campaigns", ["created_at", "id"], unique=False)
    op.create_table(
        "campaign_contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("numbers", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("next_at", _AT, nullable=True),
        sa.Column("next_channel", sa.String(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("finished_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_campaign_contacts_appointment_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_contacts_campaign_id")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name=op.f("fk_campaign_contacts_patient_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_contacts")),
        sa.UniqueConstraint("campaign_id", "key", name=op.f("uq_campaign_contacts_campaign_id_key")),
    )
    op.create_index(
        "ix_campaign_contacts_due",
        "campaign_contacts",
        ["campaign_id", "next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_campaign_contacts_finished_at",
        "campaign_contacts",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "ix_campaign_contacts_new",
        "campaign_contacts",
        ["campaign_id", "next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index(
        "ix_campaign_contacts_patient_id",
        "campaign_contacts",
        ["patient_id"],
        unique=False,
        postgresql_where=sa.text("patient_id IS NOT NULL"),
    )
    op.create_table(
        "campaign_attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("pbx", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("claimed_at", _AT, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("dialled_at", _AT, nullable=True),
        sa.Column("answered_at", _AT, nullable=True),
        sa.Column("ended_at", _AT, nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("hangup_cause", sa.Integer(), nullable=True),
        sa.Column("agent_number", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_attempts_campaign_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["campaign_contacts.id"], name=op.f("fk_campaign_attempts_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_attempts")),
    )
    op.create_index("ix_campaign_attempts_address_day", "campaign_attempts", ["address", "day"], unique=False)
    op.create_index(
        "ix_campaign_attempts_campaign_id_claimed_at", "campaign_attempts", ["campaign_id", "claimed_at"], unique=False
    )
    op.create_index("ix_campaign_attempts_contact_id", "campaign_attempts", ["contact_id", "number"], unique=False)
    op.create_index("ix_campaign_attempts_person", "campaign_attempts", ["person"], unique=False)
    op.create_index(
        "uq_campaign_attempts_open_address",
        "campaign_attempts",
        ["address"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "uq_campaign_attempts_open_contact_id",
        "campaign_attempts",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "uq_campaign_attempts_open_person",
        "campaign_attempts",
        ["person"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "campaign_answers",
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("answered_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["campaign_attempts.id"], name=op.f("fk_campaign_answers_attempt_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["campaign_contacts.id"], name=op.f("fk_campaign_answers_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt_id", "question", name=op.f("pk_campaign_answers")),
    )
    op.create_index(op.f("ix_campaign_answers_contact_id"), "campaign_answers", ["contact_id"], unique=False)
    op.create_table(
        "campaign_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", _AT, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_decisions_campaign_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["campaign_contacts.id"], name=op.f("fk_campaign_decisions_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_decisions")),
    )
    op.create_index("ix_campaign_decisions_contact_id", "campaign_decisions", ["contact_id", "id"], unique=False)
    op.create_index("ix_campaign_decisions_person", "campaign_decisions", ["person", "id"], unique=False)
    op.create_table(
        "campaign_governor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_campaign_governor_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_governor")),
    )


def downgrade() -> None:
    for table in (
        "campaign_governor",
        "campaign_decisions",
        "campaign_answers",
        "campaign_attempts",
        "campaign_contacts",
        "campaigns",
    ):
        op.drop_table(table)
