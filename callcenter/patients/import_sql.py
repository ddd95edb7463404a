"""A batch of a patient file in PostgreSQL: copied beside the tables, compared as a set, written where it differs.

The steps stand in the order of a transaction. Rows that are already as the file says are neither written nor locked,
and two imports lock in one order: patients by external id, then numbers, then cards.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor
from callcenter.core.copying import copy_lines
from callcenter.core.ids import new_id
from callcenter.core.uploaded_tables import RowProblem
from callcenter.core.upsert import Written
from callcenter.patients.import_rows import PATIENT_COLUMNS, PatientRow

_VALUES = tuple(PATIENT_COLUMNS.values())
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NULL = r"\N"
_COMMA = ", "


# -- the rows as COPY reads them


def copy_line(row: PatientRow) -> str:
    """The row in PostgreSQL's text format."""
    name, sex, birth_date, language, email, vip_grade, doctor_id, deceased = row.values.values()
    fields = (
        str(row.line),
        row.external_id,
        name.translate(_ESCAPES) if "\\" in name else name,  # it holds no other character that means something
        sex,
        _NULL if birth_date is None else str(birth_date),
        language,
        _NULL if email is None else email.translate(_ESCAPES),
        _NULL if vip_grade is None else vip_grade.translate(_ESCAPES),
        _NULL if doctor_id is None else str(doctor_id),
        "t" if deceased else "f",
        row.card_number or _NULL,
        _NULL if row.check_code_hash is None else rf"\\x{row.check_code_hash.hex()}",
        f"{{{','.join([e164 for e164, _ in row.numbers])}}}",
        f"{{{','.join([relation for _, relation in row.numbers])}}}\n",
    )
    return "\t".join(fields)


_STAGE = text(
    """
    CREATE TEMPORARY TABLE import_rows (
        line int, external_id text,
        name text, sex text, birth_date date, language text, email text,
        vip_grade text, responsible_doctor_id uuid, deceased bool,
        card_number text, check_code_hash bytea, e164s text[], relations text[]
    ) ON COMMIT DROP
    """
)


async def stage(session: AsyncSession, lines: bytes) -> None:
    """Copy ``lines`` (:func:`copy_line`) into a table that this transaction alone sees and that ends with it."""
    for setting in ("work_mem = '64MB'", "jit = off"):  # large sets, and statements that run a second at most
        await session.execute(text(f"SET LOCAL {setting}"))
    await session.execute(_STAGE)
    await copy_lines(session, "import_rows", lines)
    await session.execute(text("ANALYZE import_rows (line, external_id, card_number)"))


# -- what they mean for what is there


_PLAN = """
    CREATE TEMPORARY TABLE import_plan ON COMMIT DROP AS
    SELECT
        staged.line, staged.external_id,
        coalesce(patient.id, (:id_begin || substr(gen_random_uuid()::text, 16))::uuid) AS patient_id,
        CASE WHEN patient.id IS NULL THEN 'created' WHEN {differs} THEN 'changed' ELSE 'unchanged' END AS written,
        CASE
            WHEN card.patient_id IS NOT NULL AND card.patient_id IS DISTINCT FROM patient.id
            THEN 'card-of-another-patient'
            WHEN staged.card_number <> '' AND card.patient_id IS NULL AND staged.check_code_hash IS NULL
            THEN 'check-code-missing'
        END AS refusal,
        staged.check_code_hash <> coalesce(card.check_code_hash, '') AS card_differs
    FROM import_rows AS staged
    LEFT JOIN LATERAL (
        SELECT * FROM patients WHERE external_id = staged.external_id LIMIT 1  -- so that none is looked for by a scan
    ) AS patient ON true
    LEFT JOIN LATERAL (SELECT * FROM cards WHERE number = staged.card_number LIMIT 1) AS card ON true
"""
_REFUSED = text("SELECT line, external_id, refusal FROM import_plan WHERE refusal <> '' ORDER BY line")


async def plan(session: AsyncSession, columns: Collection[str]) -> None:
    """Compare the staged rows, as far as ``columns`` of patients go, with the patients and cards that there are."""
    differs = " OR ".join(f"patient.{name} IS DISTINCT FROM staged.{name}" for name in columns)
    id_begin = str(new_id())[:15]  # of version 7 and of this moment; PostgreSQL puts the random rest to it
    await session.execute(text(_PLAN.format(differs=differs)), {"id_begin": id_begin})
    await session.execute(text("ANALYZE import_plan (line, external_id, patient_id, written)"))


async def refused_cards(session: AsyncSession) -> list[RowProblem]:
    """Rows whose card is another patient's, or new without a code: nothing of them is written."""
    columns = {"card-of-another-patient": "card_number", "check-code-missing": "check_code"}
    found = await session.execute(_REFUSED)
    return [RowProblem(row.line, columns[row.refusal], row.refusal, row.external_id) for row in found]


# -- what is written


_PUT_PATIENTS = """
    WITH put AS (
        INSERT INTO patients (id, external_id, {values}, created_at, updated_at)
        SELECT plan.patient_id, plan.external_id, {values}, :at, :at
        FROM import_plan AS plan JOIN import_rows USING (line)
        WHERE plan.refusal IS NULL AND plan.written <> 'unchanged'
        ORDER BY plan.external_id COLLATE "C"
        ON CONFLICT (external_id) DO UPDATE SET {changes}, updated_at = excluded.updated_at
        RETURNING id, external_id
    )
    UPDATE import_plan AS plan SET patient_id = put.id, written = 'changed'  -- somebody else was quicker
    FROM put WHERE put.external_id = plan.external_id AND put.id <> plan.patient_id
"""
_PUT_NUMBERS_OF_NEW = text(
    """
    INSERT INTO patient_numbers (e164, patient_id, relation)
    SELECT number.e164, plan.patient_id, number.relation
    FROM import_plan AS plan JOIN import_rows USING (line),
    LATERAL unnest(e164s, relations) AS number (e164, relation)
    WHERE plan.refusal IS NULL AND plan.written = 'created'
    ORDER BY number.e164 COLLATE "C", plan.patient_id
    """
)
_PUT_NUMBERS_OF_KNOWN = text(
    """
    WITH put AS (
        INSERT INTO patient_numbers (e164, patient_id, relation)
        SELECT number.e164, plan.patient_id, number.relation
        FROM import_plan AS plan JOIN import_rows USING (line),
        LATERAL unnest(e164s, relations) AS number (e164, relation)
        LEFT JOIN LATERAL (
            SELECT known.relation FROM patient_numbers AS known
            WHERE known.e164 = number.e164 AND known.patient_id = plan.patient_id LIMIT 1
        ) AS known ON true
        WHERE plan.refusal IS NULL AND plan.written <> 'created' AND known.relation IS DISTINCT FROM number.relation
        ORDER BY number.e164 COLLATE "C", plan.patient_id
        ON CONFLICT (e164, patient_id) DO UPDATE SET relation = excluded.relation
        RETURNING patient_id
    )
    UPDATE import_plan AS plan SET written = 'changed'
    FROM put WHERE put.patient_id = plan.patient_id AND plan.written = 'unchanged'
    """
)
_PUT_CARDS = text(
    """
    WITH put AS (
        INSERT INTO cards (number, patient_id, check_code_hash, active)
        SELECT card_number, plan.patient_id, check_code_hash, true
        FROM import_plan AS plan JOIN import_rows USING (line)
        WHERE plan.refusal IS NULL AND plan.card_differs
        ORDER BY card_number COLLATE "C"
        ON CONFLICT (number) DO UPDATE SET check_code_hash = excluded.check_code_hash
        WHERE cards.patient_id = excluded.patient_id
        RETURNING patient_id
    )
    UPDATE import_plan AS plan SET written = 'changed'
    FROM put WHERE put.patient_id = plan.patient_id AND plan.written = 'unchanged'
    """
)
_AUDIT = text(
    """
    INSERT INTO audit_entries (at, actor_kind, actor_id, actor_name, source, action, patient_id, details)
    SELECT :at, :kind, :id, :name, :source, 'patients.import', patient_id, jsonb_build_object('written', written)
    FROM import_plan WHERE refusal IS NULL AND written <> 'unchanged' ORDER BY line
    """
)
_COUNT = text("SELECT written, count(*) AS rows FROM import_plan WHERE refusal IS NULL GROUP BY written")


async def put(session: AsyncSession, columns: Collection[str], *, at: datetime, actor: Actor) -> dict[Written, int]:
    """Write what the plan says and audit each patient that it touched; returns how many rows did what.

    Of patients that are there only ``columns`` change. Numbers are only added; a closed card stays closed.
    """
    changes = _assignments(columns)
    await session.execute(text(_PUT_PATIENTS.format(values=_COMMA.join(_VALUES), changes=changes)), {"at": at})
    for statement in (_PUT_NUMBERS_OF_NEW, _PUT_NUMBERS_OF_KNOWN, _PUT_CARDS):
        await session.execute(statement)
    who = {"kind": actor.kind, "id": actor.id, "name": actor.name, "source": actor.source}
    await session.execute(_AUDIT, {"at": at, **who})
    counted = await session.execute(_COUNT)
    return {Written(row.written): row.rows for row in counted}


def _assignments(columns: Iterable[str]) -> str:
    return _COMMA.join(f"{name} = excluded.{name}" for name in columns)
