"""Where the contacts of campaigns come from: files, saved queries, triggers.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
phase = "expand"
accepted = {"require-concurrent-index-creation": "the tables are new: nobody reads them yet"}

_AT = sa.DateTime(timezone=True)

VIEWS = {
    "audience_patients": """
        SELECT p.id AS patient_id, p.external_id, p.name, p.sex, p.birth_date, p.language, p.email, p.vip_grade,
            p.deceased,
            ARRAY(
                SELECT number.e164 FROM patient_numbers AS number WHERE number.patient_id = p.id
                ORDER BY array_position(ARRAY['self', 'family', 'carer', 'work'], number.relation::text), number.e164
                LIMIT 5
            )::text[] AS numbers
        FROM patients AS p
    """,
    "audience_visits": """
        SELECT v.id AS visit_id, v.external_id, v.patient_id, v.kind, v.visited_at,
            d.code AS department_code, d.name_zh AS department_zh, d.name_en AS department_en,
            doctor.name_zh AS doctor_zh, doctor.name_en AS doctor_en
        FROM visits AS v
        LEFT JOIN departments AS d ON d.id = v.department_id LEFT JOIN doctors AS doctor ON doctor.id = v.doctor_id
    """,
    "audience_appointments": """
        SELECT a.id AS appointment_id, a.external_id, a.patient_id, a.booked_at, a.starts_at, a.status,
            d.code AS department_code, d.name_zh AS department_zh, d.name_en AS department_en,
            doctor.name_zh AS doctor_zh, doctor.name_en AS doctor_en
        FROM appointments AS a
        LEFT JOIN departments AS d ON d.id = a.department_id LEFT JOIN doctors AS doctor ON doctor.id = a.doctor_id
    """,
    "audience_discharges": """
        SELECT g.id AS discharge_id, g.external_id, g.patient_id, g.discharged_at,
            d.code AS department_code, d.name_zh AS department_zh, d.name_en AS department_en,
            doctor.name_zh AS doctor_zh, doctor.name_en AS doctor_en
        FROM discharges AS g
        LEFT JOIN departments AS d ON d.id = g.department_id LEFT JOIN doctors AS doctor ON doctor.id = g.doctor_id
    """,
    "audience_reminders": """
        SELECT id AS reminder_id, external_id, patient_id, kind, due_on, note FROM patient_reminders WHERE active
    """,
    "audience_calls": """
        SELECT c.id AS call_id, c.direction, c.caller_number, c.patient_id, c.verified, c.language, c.started_at,
            c.ended_at,
            CASE WHEN c.outcome = 'not_served' AND EXISTS (
                SELECT FROM queue_visits_by_month AS visit
                WHERE visit.call_id = c.id AND visit.outcome = 'overflowed' AND visit.reason = 'full'
            ) THEN 'refused' ELSE c.outcome END AS outcome
        FROM calls_by_month AS c
    """,
}
"""Read-only, for audiences of campaigns. ``refused``: the queue was full."""


def upgrade() -> None:
    op.create_table(
        "patient_reminders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name=op.f("fk_patient_reminders_patient_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_reminders")),
        sa.UniqueConstraint("external_id", name=op.f("uq_patient_reminders_external_id")),
    )
    op.create_index("ix_patient_reminders_due_on", "patient_reminders", ["due_on"], unique=False)
    op.create_index("ix_patient_reminders_patient_id", "patient_reminders", ["patient_id"], unique=False)
    op.create_table(
        "campaign_triggers",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at_time", sa.String(), nullable=True),
        sa.Column("standard", sa.String(), nullable=True),
        sa.Column("changed_at", _AT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_triggers_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_triggers")),
        sa.UniqueConstraint("standard", name=op.f("uq_campaign_triggers_standard")),
    )
    op.create_table(
        "campaign_trigger_days",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.String(), nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("unreachable", sa.Integer(), nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("finished_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_trigger_days_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "day", name=op.f("pk_campaign_trigger_days")),
    )
    op.create_table(
        "campaign_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("existing", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("changed_at", _AT, nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'finished', 'cancelled', 'failed')", name=op.f("ck_campaign_imports_state")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_imports_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_imports")),
    )
    op.create_index("ix_campaign_imports_campaign_id", "campaign_imports", ["campaign_id", "id"], unique=False)
    op.create_table(
        "campaign_import_problems",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("row_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["campaign_imports.id"],
            name=op.f("fk_campaign_import_problems_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "line", "column", name=op.f("pk_campaign_import_problems")),
    )
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    for table in (
        "campaign_import_problems",
        "campaign_imports",
        "campaign_trigger_days",
        "campaign_triggers",
        "patient_reminders",
    ):
        op.drop_table(table)
