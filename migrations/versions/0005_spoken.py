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


def downgrade() -> None:
    op.drop_table("article_versions")
    op.drop_table("articles")


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
