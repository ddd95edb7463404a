"""All SQL of schedules, special days, hospital days and closures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    Row,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calendar.models import Closure, HospitalDay, Schedule, SpecialDay
from callcenter.calendar.policy import DayFact
from callcenter.calendar.spans import Spans


@dataclass(frozen=True, slots=True)
class EnteredDays:
    """What staff entered for days: special hours of one schedule, and facts of the whole hospital."""

    special_days: Mapping[date, Spans]
    facts: Mapping[date, DayFact]


async def schedules_after(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[Schedule]:
    """In order of name, from the one behind ``after``."""
    statement = select(Schedule).order_by(Schedule.name).limit(limit)
    return (await session.scalars(statement.where(Schedule.name > after) if after else statement)).all()


async def find_schedule(session: AsyncSession, name: str) -> Schedule | None:
    found: Schedule | None = await session.scalar(
        select(Schedule).where(Schedule.name == name).execution_options(populate_existing=True)
    )
    return found


async def find_schedule_with_closures(
    session: AsyncSession, name: str | None, at: datetime
) -> tuple[Schedule | None, Sequence[Closure]]:
    """A schedule, and what closes it at an instant, or closes all whether there is such a schedule; one statement."""
    rows = (await session.execute(_SCHEDULE_WITH_CLOSURES, {"name": name, "at": at})).all()
    return rows[0][0], [closure for _, closure in rows if closure is not None]


def _in_effect(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    over_at = func.coalesce(Closure.ended_at, Closure.until_at)
    return and_(Closure.started_at <= at, or_(over_at.is_(None), over_at > at))


def _schedule_with_closures() -> Select[Any, Any]:
    name = bindparam("name", type_=String)
    in_effect = _in_effect(bindparam("at", type_=DateTime(timezone=True)))
    always_a_row = select(literal(1).label("one")).subquery()
    return (
        select(Schedule, Closure)
        .select_from(always_a_row)
        .outerjoin(Schedule, Schedule.name == name)
        .outerjoin(Closure, and_(or_(Closure.schedule_name == name, Closure.schedule_name.is_(None)), in_effect))
    )


def _entered_days() -> CompoundSelect[Any]:
    first, last = bindparam("first", type_=Date), bindparam("last", type_=Date)
    nothing = cast(null(), String)
    special = select(
        SpecialDay.day,
        SpecialDay.spans,
        nothing.label("kind"),
        nothing.label("name_zh"),
        nothing.label("name_en"),
        cast(null(), HospitalDay.counts_as.type).label("counts_as"),
    ).where(SpecialDay.schedule_name == bindparam("name", type_=String), SpecialDay.day.between(first, last))
    hospital = select(
        HospitalDay.day,
        cast(null(), INT4MULTIRANGE),
        HospitalDay.kind,
        HospitalDay.name_zh,
        HospitalDay.name_en,
        HospitalDay.counts_as,
    ).where(HospitalDay.day.between(first, last))
    return special.union_all(hospital)


# asked several times in every call, and dearer to put together than to execute
_SCHEDULE_WITH_CLOSURES = _schedule_with_closures()
_ENTERED_DAYS = _entered_days()


async def entered_days(session: AsyncSession, schedule_name: str, first: date, last: date) -> EnteredDays:
    """Special days of a schedule and hospital days from ``first`` to ``last``; one statement."""
    rows = (await session.execute(_ENTERED_DAYS, {"name": schedule_name, "first": first, "last": last})).all()
    return EnteredDays(
        {row.day: row.spans for row in rows if row.kind is None},
        {row.day: _fact(row) for row in rows if row.kind is not None},
    )


async def special_days_of(
    session: AsyncSession, schedule_name: str, *, first: date | None, last: date | None, limit: int
) -> Sequence[SpecialDay]:
    """In order of day, from ``first`` to ``last``."""
    statement = select(SpecialDay).where(SpecialDay.schedule_name == schedule_name)
    if first is not None:
        statement = statement.where(SpecialDay.day >= first)
    if last is not None:
        statement = statement.where(SpecialDay.day <= last)
    return (await session.scalars(statement.order_by(SpecialDay.day).limit(limit))).all()


async def delete_special_day(session: AsyncSession, schedule_name: str, day: date) -> bool:
    found = await session.scalar(
        delete(SpecialDay)
        .where(SpecialDay.schedule_name == schedule_name, SpecialDay.day == day)
        .returning(SpecialDay.day)
    )
    return found is not None


async def hospital_days_of(session: AsyncSession, first: date, last: date) -> Mapping[date, DayFact]:
    rows = await session.scalars(select(HospitalDay).where(HospitalDay.day.between(first, last)))
    return {row.day: _fact(row) for row in rows}


def _fact(row: HospitalDay | Row[Any]) -> DayFact:
    return DayFact(row.kind, row.name_zh, row.name_en, row.counts_as)  # type: ignore[arg-type]  # a constraint's words


async def delete_hospital_day(session: AsyncSession, day: date) -> bool:
    found = await session.scalar(delete(HospitalDay).where(HospitalDay.day == day).returning(HospitalDay.day))
    return found is not None


async def closures_before(session: AsyncSession, *, before: UUID | None, limit: int) -> Sequence[Closure]:
    """The newest first (ids sort by time), from the one behind ``before``."""
    statement = select(Closure).order_by(Closure.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Closure.id < before)
    return (await session.scalars(statement)).all()


async def find_closure(session: AsyncSession, closure_id: UUID) -> Closure | None:
    return await session.get(Closure, closure_id, populate_existing=True)


async def find_open_closure(session: AsyncSession, schedule_name: str | None) -> Closure | None:
    """Of exactly this scope (None: of all schedules)."""
    found: Closure | None = await session.scalar(
        select(Closure).where(Closure.schedule_name.is_not_distinct_from(schedule_name), Closure.ended_at.is_(None))
    )
    return found


async def add_closure(session: AsyncSession, values: Mapping[str, object]) -> bool:
    """False: this scope has an open one."""
    added = await session.scalar(insert(Closure).values(values).on_conflict_do_nothing().returning(Closure.id))
    return added is not None


async def end_closure(session: AsyncSession, closure_id: UUID, *, ended_at: datetime, ended_by: str) -> bool:
    """False: it is over, or there is none."""
    ended = await session.scalar(
        update(Closure)
        .where(Closure.id == closure_id, Closure.ended_at.is_(None))
        .values(ended_at=ended_at, ended_by=ended_by)
        .returning(Closure.id)
    )
    return ended is not None


async def settle_closures(session: AsyncSession, at: datetime) -> Sequence[UUID]:
    """Note the end of those whose time is over; their ids."""
    return (
        await session.scalars(
            update(Closure)
            .where(Closure.ended_at.is_(None), Closure.until_at <= at)
            .values(ended_at=Closure.until_at)
            .returning(Closure.id)
        )
    ).all()
