"""Recording policies, what is stored of recordings and held, and scores of recordings.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the tables are new: nobody reads them yet"}

_RECORDING = {"ondelete": "CASCADE"}


def upgrade() -> None:
    op.add_column("recordings", sa.Column("agent_number", sa.String(), nullable=True))
    op.create_table(
        "recording_policies",
        sa.Column("queue_name", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("notice", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_name"], ["queues.name"], name=op.f("fk_recording_policies_queue_name_queues"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("queue_name", name=op.f("pk_recording_policies")),
    )
    op.create_table(
        "stored_recordings",
        sa.Column("recording_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wav_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("source_gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_stored_recordings_recording_id_recordings"), **_RECORDING
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_stored_recordings")),
    )
    op.create_index(
        "ix_stored_recordings_source",
        "stored_recordings",
        ["recording_id"],
        postgresql_where=sa.text("source_gone_at IS NULL"),
    )
    op.create_table(
        "recording_holds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("release_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_holds_recording_id_recordings"), **_RECORDING
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_holds")),
    )
    op.create_index(
        "uq_recording_holds_recording_id",
        "recording_holds",
        ["recording_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "score_sheets",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_score_sheets")),
    )
    op.create_table(
        "quality_scores",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_number", sa.String(), nullable=False),
        sa.Column("queue_name", sa.String(), nullable=True),
        sa.Column("sheet_name", sa.String(), nullable=False),
        sa.Column("sheet_version", sa.Integer(), nullable=False),
        sa.Column("scored_by", sa.String(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("total", sa.Float(), nullable=True),
        sa.Column("is_fatal", sa.Boolean(), nullable=False),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_quality_scores_recording_id_recordings"), **_RECORDING
        ),
        sa.ForeignKeyConstraint(
            ["sheet_name", "sheet_version"],
            ["score_sheets.name", "score_sheets.version"],
            name=op.f("fk_quality_scores_sheet_name_sheet_version_score_sheets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_scores")),
        sa.UniqueConstraint("recording_id", "scored_by", name=op.f("uq_quality_scores_recording_id_scored_by")),
    )
    op.create_index("ix_quality_scores_agent_number_scored_at", "quality_scores", ["agent_number", "scored_at"])
    op.create_table(
        "quality_score_revisions",
        sa.Column("score_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("total", sa.Float(), nullable=True),
        sa.Column("is_fatal", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["score_id"],
            ["quality_scores.id"],
            name=op.f("fk_quality_score_revisions_score_id_quality_scores"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("score_id", "revision", name=op.f("pk_quality_score_revisions")),
    )


def downgrade() -> None:
    op.drop_table("quality_score_revisions")
    op.drop_table("quality_scores")
    op.drop_table("score_sheets")
    op.drop_table("recording_holds")
    op.drop_table("stored_recordings")
    op.drop_table("recording_policies")
    op.drop_column("recordings", "agent_number")
