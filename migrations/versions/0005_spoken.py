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
    _create_articles()
    _create_spoken()


def downgrade() -> None:
    op.drop_table("article_versions")
    op.drop_table("articles")
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
        sa.Column("coming_audio_id", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rendered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["audio_id"], ["spoken_audio.id"], name=op.f("fk_spoken_texts_audio_id_spoken_audio")),
        sa.ForeignKeyConstraint(
            ["coming_audio_id"], ["spoken_audio.id"], name=op.f("fk_spoken_texts_coming_audio_id_spoken_audio")
        ),
        sa.PrimaryKeyConstraint("slot", "language", name=op.f("pk_spoken_texts")),
    )
    op.create_index("ix_spoken_texts_coming_audio_id", "spoken_texts", ["coming_audio_id"], unique=False)
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


def _create_articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        *_texts(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 999999", name=op.f("ck_articles_number")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_articles_department_id")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctors.id"], name=op.f("fk_articles_doctor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    active = sa.text("active")
    op.create_index(
        "uq_articles_active_section_number", "articles", ["section", "number"], unique=True, postgresql_where=active
    )
    op.create_index(
        "ix_articles_department", "articles", ["department_id", "section", "number"], postgresql_where=active
    )
    op.create_index("ix_articles_section_number_id", "articles", ["section", "number", "id"])
    op.create_index(op.f("ix_articles_doctor_id"), "articles", ["doctor_id"])
    op.create_table(
        "article_versions",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        *_texts(),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_versions_article_id")),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_article_versions")),
    )


def _texts() -> list[sa.Column[str] | sa.Column[bool]]:
    return [
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("body_zh", sa.String(), nullable=False),
        sa.Column("body_en", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
    ]
