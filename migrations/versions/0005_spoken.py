"""Articles, and what is spoken of them.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_spoken()


def downgrade() -> None:
    op.drop_table("prompt_recordings")
    op.drop_table("spoken_texts")
    op.drop_table("spoken_audio")


def _create_spoken() -> None:
    op.create_table(
        "spoken_audio",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text_fingerprint", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_version", sa.String(), nullable=False),
        sa.Column("voice", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("wav", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spoken_audio")),
    )
    op.create_index("ix_spoken_audio_released_at", "spoken_audio", ["released_at"], unique=False)
    op.create_table(
        "spoken_texts",
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_fingerprint", sa.String(), nullable=False),
        sa.Column("audio_id", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rendered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["audio_id"], ["spoken_audio.id"], name=op.f("fk_spoken_texts_audio_id_spoken_audio")),
        sa.PrimaryKeyConstraint("slot", "language", name=op.f("pk_spoken_texts")),
    )
    op.create_index("ix_spoken_texts_audio_id", "spoken_texts", ["audio_id"], unique=False)
    op.create_index(
        "ix_spoken_texts_due_at", "spoken_texts", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_table(
        "prompt_recordings",
        sa.Column("sound", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("audio_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audio_id"], ["spoken_audio.id"], name=op.f("fk_prompt_recordings_audio_id_spoken_audio")
        ),
        sa.PrimaryKeyConstraint("sound", "language", name=op.f("pk_prompt_recordings")),
    )
    op.create_index("ix_prompt_recordings_audio_id", "prompt_recordings", ["audio_id"], unique=False)
