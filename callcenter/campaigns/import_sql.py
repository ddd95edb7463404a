"""A batch of a file of contacts in PostgreSQL: copied beside the tables, joined with the patients, put in as a set."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.import_rows import ContactRow
from callcenter.core.copying import copy_lines, copy_rows
from callcenter.core.ids import new_id
from callcenter.core.uploaded_tables import RowProblem

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NULL = r"\N"


def copy_line(row: ContactRow) -> str:
    """The row in PostgreSQL's text format. Numbers are E.164: they hold nothing that means something in a list."""
    fields = (
        str(row.line),
        row.key.translate(_ESCAPES),
        row.name.translate(_ESCAPES),
        row.language or _NULL,
        row.zone or _NULL,
        f"{{{','.join(row.numbers)}}}",
        _text(row.email),
        _text(row.external_id),
        _text(row.appointment),
        orjson.dumps(row.variables).decode().translate(_ESCAPES),
        _NULL if row.not_before is None else row.not_before.isoformat(),
    )
    return "\t".join(fields) + "\n"


def _text(value: str | None) -> str:
    return _NULL if value is None else value.translate(_ESCAPES)


_STAGE = text(
    """
    CREATE TEMPORARY TABLE import_rows (
        line int, key text, name text, language text, zone text, numbers text[], email text,
        external_id text, appointment text, variables jsonb, not_before timestamptz
    ) ON COMMIT DROP
    """
)
_PLAN = text(
    """
    CREATE TEMPORARY TABLE import_plan ON COMMIT DROP AS
    SELECT joined.*, channel.name AS channel, CASE
        WHEN joined.external_id IS NOT NULL AND joined.patient_id IS NULL THEN 'unknown-patient'
        WHEN joined.appointment IS NOT NULL AND joined.appointment_id IS NULL THEN 'unknown-appointment'
        WHEN joined.appointment_of <> joined.patient_id THEN 'appointment-of-another-patient'
        WHEN channel.name IS NULL THEN 'unreachable'
    END AS refusal
    FROM (
        SELECT
            staged.line, staged.key, staged.external_id, staged.appointment, staged.zone, staged.variables,
            coalesce(nullif(staged.name, ''), patient.name, '') AS name,
            coalesce(staged.language, patient.language, 'zh') AS language,
            CASE WHEN staged.numbers = '{}' THEN coalesce(patient.numbers, '{}') ELSE staged.numbers END AS numbers,
            coalesce(staged.email, patient.email) AS email,
            patient.patient_id, appointment.appointment_id, appointment.patient_id AS appointment_of,
            greatest(coalesce(staged.not_before, :at), :at) AS next_at
        FROM import_rows AS staged
        LEFT JOIN LATERAL (
            SELECT appointment_id, patient_id FROM audience_appointments
            WHERE external_id = staged.appointment LIMIT 1
        ) AS appointment ON true
        LEFT JOIN LATERAL (
            SELECT patient_id, name, language, numbers, email FROM audience_patients
            WHERE patient_id = CASE
                WHEN staged.external_id IS NULL THEN appointment.patient_id
                ELSE (SELECT id FROM patients WHERE external_id = staged.external_id)
            END LIMIT 1
        ) AS patient ON true
    ) AS joined
    LEFT JOIN LATERAL (
        SELECT wanted.name FROM unnest(CAST(:channels AS text[])) WITH ORDINALITY AS wanted (name, place)
        WHERE CASE wanted.name WHEN 'email' THEN joined.email IS NOT NULL ELSE joined.numbers <> '{}' END
        ORDER BY wanted.place LIMIT 1
    ) AS channel ON true
    """
)
_PROBLEM_COLUMNS = {
    "unknown-patient": "external_id",
    "unknown-appointment": "appointment",
    "appointment-of-another-patient": "appointment",
    "unreachable": "",
}
_REFUSED = text("SELECT line, key, refusal FROM import_plan WHERE refusal <> '' ORDER BY line")
_INSERT = text(
    """
    INSERT INTO campaign_contacts (
        id, campaign_id, key, patient_id, person, name, language, zone, numbers, email, appointment_id, variables,
        state, next_at, next_channel, next_number, status, attempts, created_at
    )
    SELECT DISTINCT ON (key COLLATE "C")
        (:id_begin || substr(gen_random_uuid()::text, 16))::uuid, :campaign, key, patient_id,
        coalesce(patient_id::text, numbers[1], email), name, language, zone, numbers, email, appointment_id, variables,
        'new', next_at, channel, 0, 'registered', 0, :at
    FROM import_plan WHERE refusal IS NULL
    ORDER BY key COLLATE "C", line
    ON CONFLICT (campaign_id, key) DO NOTHING
    RETURNING 1
    """
)


async def stage(session: AsyncSession, lines: bytes, *, channels: Sequence[str], at: datetime) -> None:
    """Copy ``lines`` (:func:`copy_line`) into a table of this transaction, and see what they mean."""
    for setting in ("work_mem = '64MB'", "jit = off"):  # large sets, and statements that run a second at most
        await session.execute(text(f"SET LOCAL {setting}"))
    await session.execute(_STAGE)
    await copy_lines(session, "import_rows", lines)
    await session.execute(_PLAN, {"channels": list(channels), "at": at})


async def list_refused(session: AsyncSession) -> list[RowProblem]:
    """Rows that name what is not there, or whom nobody could reach."""
    found = await session.execute(_REFUSED)
    return [RowProblem(row.line, _PROBLEM_COLUMNS[row.refusal], row.refusal, row.key[:100]) for row in found]


async def put(session: AsyncSession, campaign_id: UUID, at: datetime) -> int:
    """The good rows become contacts; returns how many. A key that is in the campaign stays as it is.

    Ordered, so that two imports of the same keys wait for each other and not in a ring.
    """
    id_begin = str(new_id())[:15]  # of version 7 and of this moment; PostgreSQL puts the random rest to it
    made = await session.execute(_INSERT, {"id_begin": id_begin, "campaign": campaign_id, "at": at})
    return len(made.all())


async def insert_problems(session: AsyncSession, import_id: UUID, problems: Sequence[RowProblem]) -> None:
    rows = [(import_id, one.line, one.column, one.reason, one.row_id) for one in problems]
    columns = ("import_id", "line", "column", "reason", "row_id")
    await copy_rows(session, "campaign_import_problems", columns, rows)
