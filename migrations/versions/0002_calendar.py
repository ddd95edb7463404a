"""Opening hours, holidays, special days, emergency closures.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEDULE_DAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "public_holiday",
)


def _spans(name: str) -> sa.Column:
    return sa.Column(name, postgresql.INT4MULTIRANGE(), server_default=sa.text("'{}'"), nullable=False)


def _within_a_day(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"{column} <@ '{{[0,1440)}}'::int4multirange", name=op.f(f"ck_{table}_{column}_within_a_day")
    )


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label_zh", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        *map(_spans, SCHEDULE_DAYS),
        sa.Column("makeup_weekday", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *(_within_a_day("schedules", day) for day in SCHEDULE_DAYS),
        sa.CheckConstraint("makeup_weekday BETWEEN 1 AND 7", name=op.f("ck_schedules_makeup_weekday")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
    )
    op.create_table(
        "special_days",
        sa.Column("schedule_name", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        _spans("spans"),
        sa.Column("reason_zh", sa.String(), nullable=False),
        sa.Column("reason_en", sa.String(), nullable=False),
        _within_a_day("special_days", "spans"),
        sa.ForeignKeyConstraint(
            ["schedule_name"],
            ["schedules.name"],
            name=op.f("fk_special_days_schedule_name_schedules"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_name", "day", name=op.f("pk_special_days")),
    )
    op.create_table(
        "hospital_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("counts_as", sa.Integer(), nullable=True),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('holiday', 'workday', 'ordinary')", name=op.f("ck_hospital_days_kind")),
        sa.CheckConstraint("counts_as BETWEEN 1 AND 7", name=op.f("ck_hospital_days_counts_as")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_hospital_days")),
    )
    op.create_table(
        "closures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_name", sa.String(), nullable=True),
        sa.Column("announcement_zh", sa.String(), nullable=False),
        sa.Column("announcement_en", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_name"],
            ["schedules.name"],
            name=op.f("fk_closures_schedule_name_schedules"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closures")),
    )
    op.create_index(
        "uq_closures_open_scope",
        "closures",
        [sa.literal_column("coalesce(schedule_name, '')")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("closures")
    op.drop_table("hospital_days")
    op.drop_table("special_days")
    op.drop_table("schedules")
