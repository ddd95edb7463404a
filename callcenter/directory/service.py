"""Rules of departments and doctors: the hospital's own codes say which is which."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor, record_audit
from callcenter.core.ids import new_id
from callcenter.core.upsert import Written, put_row
from callcenter.directory import article_queries, queries
from callcenter.directory.errors import UnknownDepartment, UnknownDoctor
from callcenter.directory.models import Department, Doctor
from callcenter.directory.spoken import speak_department


@dataclass(frozen=True, slots=True)
class Names:
    """Departments and doctors that a record refers to, by id."""

    departments: dict[UUID, Department]
    doctors: dict[UUID, Doctor]


async def put_department(
    session: AsyncSession, actor: Actor, code: str, *, name_zh: str, name_en: str
) -> tuple[Department, bool]:
    """Create or change; the department and whether it is new."""
    values = {"name_zh": name_zh, "name_en": name_en}
    written = await put_row(session, Department, {"code": code}, values, when_new={"id": new_id()})
    department = await queries.find_entry(session, Department, code)
    if department is None:
        raise UnknownDepartment
    if written is not Written.UNCHANGED:
        record_audit(session, actor, "directory.put_department", subject_id=code, written=written)
        if await article_queries.is_referred_to(session, department.id):
            await speak_department(session, department)
    return department, written is Written.CREATED


async def put_doctor(
    session: AsyncSession,
    actor: Actor,
    code: str,
    *,
    name_zh: str,
    name_en: str,
    title_zh: str,
    title_en: str,
    department_code: str | None,
) -> tuple[Doctor, bool]:
    """Create or change; the doctor and whether they are new. Raises UnknownDepartment."""
    values = {
        "name_zh": name_zh,
        "name_en": name_en,
        "title_zh": title_zh,
        "title_en": title_en,
        "department_id": await department_id_of(session, department_code),
    }
    written = await put_row(session, Doctor, {"code": code}, values, when_new={"id": new_id()})
    doctor = await queries.find_entry(session, Doctor, code)
    if doctor is None:
        raise UnknownDoctor
    if written is not Written.UNCHANGED:
        record_audit(session, actor, "directory.put_doctor", subject_id=code, written=written)
        await _move_articles(session, doctor)
    return doctor, written is Written.CREATED


async def _move_articles(session: AsyncSession, doctor: Doctor) -> None:
    """A doctor's articles lie under the doctor's department: by an import too, which makes no version of them."""
    moved = await article_queries.move_articles_of_doctor(session, doctor.id, doctor.department_id)
    if moved and doctor.department_id is not None:
        await speak_department(session, await session.get_one(Department, doctor.department_id))


async def department_id_of(session: AsyncSession, code: str | None) -> UUID | None:
    """The id of a department's code; None for None. Raises UnknownDepartment."""
    if code is None:
        return None
    department = await queries.find_entry(session, Department, code)
    if department is None:
        raise UnknownDepartment
    return department.id


async def doctor_id_of(session: AsyncSession, code: str | None) -> UUID | None:
    """The id of a doctor's staff number; None for None. Raises UnknownDoctor."""
    if code is None:
        return None
    doctor = await queries.find_entry(session, Doctor, code)
    if doctor is None:
        raise UnknownDoctor
    return doctor.id


async def doctor_ids_by_code(session: AsyncSession) -> dict[str, UUID]:
    """All doctors, for imports."""
    return await queries.ids_by_code(session, Doctor)


async def names_of(
    session: AsyncSession, *, department_ids: Collection[UUID | None], doctor_ids: Collection[UUID | None]
) -> Names:
    """The departments and doctors behind ids found in other records (None among them is ignored)."""
    return Names(
        await queries.entries_by_id(session, Department, {one for one in department_ids if one}),
        await queries.entries_by_id(session, Doctor, {one for one in doctor_ids if one}),
    )
