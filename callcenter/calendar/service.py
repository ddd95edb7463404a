"""Rules of opening hours: what staff enter, and whether a service is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calendar import queries
from callcenter.calendar.errors import HospitalDayNotFound, ScheduleNotFound, SpecialDayNotFound, UnknownSchedule
from callcenter.calendar.models import HospitalDay, Schedule, SpecialDay
from callcenter.calendar.policy import (
    LOOK_AHEAD_DAYS,
    DayFact,
    DayKind,
    OpenClosure,
    Opening,
    Timetable,
    opening_at,
    reopens_after,
)
from callcenter.calendar.public_days import Place, Source, find_public_day, public_year
from callcenter.calendar.spans import Spans, as_literal
from callcenter.core.alarms import raise_alarm, was_raised
from callcenter.core.audit import Actor, record_audit
from callcenter.core.config import get_settings
from callcenter.core.upsert import Written, put_row

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PUBLIC_HOLIDAY = "public_holiday"

_LIST_WANTED_DAYS = 31
"""So long before a year begins its list of holidays should be here."""


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The days of a year that are not as their weekday; ``entered``: those of them that staff entered."""

    source: Source
    days: Mapping[date, DayFact]
    entered: frozenset[date]


async def get_opening(
    session: AsyncSession, schedule_name: str | None, at: datetime, *, place: Place | None = None
) -> Opening:
    """Whether a schedule is open at an instant, and when next; two statements. Raises ScheduleNotFound.

    What has no schedule (None) is closed only when everything is. ``place``: whose clock and holidays; None: of the
    process's settings.
    """
    place = place or Place.of(get_settings())
    schedule, found = await queries.find_schedule_with_closures(session, schedule_name, at)
    closures = [OpenClosure(one.id, one.schedule_name is not None, one.ended_at or one.until_at) for one in found]
    if schedule is None:
        return _opening_without_schedule(schedule_name, closures, at)
    first = at.astimezone(place.zone).date()
    last = (reopens_after(closures, at) or at).astimezone(place.zone).date() + timedelta(days=LOOK_AHEAD_DAYS)
    entered = await queries.entered_days(session, schedule.name, first, last)
    timetable = Timetable(
        week=[getattr(schedule, day) for day in WEEKDAYS],
        public_holiday=schedule.public_holiday,
        makeup_weekday=schedule.makeup_weekday,
        zone=place.zone,
        special_days=entered.special_days,
        fact_of=lambda day: entered.facts.get(day) or find_public_day(place.country, day),
    )
    return opening_at(timetable, closures, at)


def _opening_without_schedule(name: str | None, closures: Sequence[OpenClosure], at: datetime) -> Opening:
    if closures:
        return Opening("closure", reopens_after(closures, at), closures[0].id)
    if name is None:
        return Opening("open")
    raise ScheduleNotFound(name=name)


async def put_schedule(
    session: AsyncSession,
    actor: Actor,
    name: str,
    *,
    label_zh: str,
    label_en: str,
    hours: Mapping[str, Spans],
    makeup_weekday: int = 1,
) -> tuple[Schedule, bool]:
    """Create or replace; the schedule and whether it is new.

    ``hours``: by :data:`WEEKDAYS` and :data:`PUBLIC_HOLIDAY`; a day left out is closed.
    """
    values = {
        "label_zh": label_zh,
        "label_en": label_en,
        "makeup_weekday": makeup_weekday,
        **{day: as_literal(hours.get(day, ())) for day in (*WEEKDAYS, PUBLIC_HOLIDAY)},
    }
    written = await put_row(session, Schedule, {"name": name}, values)
    if written is not Written.UNCHANGED:
        record_audit(session, actor, "calendar.put_schedule", subject_id=name, written=written)
    return await get_schedule(session, name), written is Written.CREATED


async def get_schedule(session: AsyncSession, name: str) -> Schedule:
    """Raises ScheduleNotFound."""
    schedule = await queries.find_schedule(session, name)
    if schedule is None:
        raise ScheduleNotFound(name=name)
    return schedule


async def require_schedule(session: AsyncSession, name: str) -> None:
    """Raises UnknownSchedule: for a body that names it."""
    if await queries.find_schedule(session, name) is None:
        raise UnknownSchedule(name=name)


async def put_special_day(
    session: AsyncSession,
    actor: Actor,
    schedule_name: str,
    day: date,
    *,
    spans: Spans,
    reason_zh: str,
    reason_en: str,
) -> bool:
    """The hours of one schedule on one day (none: closed); whether it is new. Raises ScheduleNotFound."""
    await get_schedule(session, schedule_name)
    values = {"spans": as_literal(spans), "reason_zh": reason_zh, "reason_en": reason_en}
    written = await put_row(session, SpecialDay, {"schedule_name": schedule_name, "day": day}, values)
    if written is not Written.UNCHANGED:
        record_audit(
            session, actor, "calendar.put_special_day", subject_id=schedule_name, day=day.isoformat(), written=written
        )
    return written is Written.CREATED


async def remove_special_day(session: AsyncSession, actor: Actor, schedule_name: str, day: date) -> None:
    """The day is as any other again. Raises ScheduleNotFound, SpecialDayNotFound."""
    await get_schedule(session, schedule_name)
    if not await queries.delete_special_day(session, schedule_name, day):
        raise SpecialDayNotFound
    record_audit(session, actor, "calendar.remove_special_day", subject_id=schedule_name, day=day.isoformat())


async def get_year(session: AsyncSession, place: Place, year: int) -> CalendarYear:
    """What the published list and the staff say of a year's days."""
    published = public_year(place.country, year)
    entered = await queries.hospital_days_of(session, date(year, 1, 1), date(year, 12, 31))
    return CalendarYear(published.source, dict(sorted({**published.days, **entered}.items())), frozenset(entered))


async def list_day_facts(session: AsyncSession, place: Place, first: date, last: date) -> dict[date, DayFact]:
    """The days from ``first`` to ``last`` that are not as their weekday: the published list, and what staff say."""
    published = {
        day: fact
        for year in range(first.year, last.year + 1)
        for day, fact in public_year(place.country, year).days.items()
        if first <= day <= last
    }
    return {**published, **await queries.hospital_days_of(session, first, last)}


async def put_hospital_day(
    session: AsyncSession,
    actor: Actor,
    day: date,
    *,
    kind: DayKind,
    counts_as: int | None,
    name_zh: str,
    name_en: str,
) -> bool:
    """What the hospital says of a day, for all schedules; whether it is new."""
    values = {"kind": kind, "counts_as": counts_as, "name_zh": name_zh, "name_en": name_en}
    written = await put_row(session, HospitalDay, {"day": day}, values)
    if written is not Written.UNCHANGED:
        record_audit(session, actor, "calendar.put_hospital_day", subject_id=day.isoformat(), written=written)
    return written is Written.CREATED


async def remove_hospital_day(session: AsyncSession, actor: Actor, day: date) -> None:
    """The published list decides again. Raises HospitalDayNotFound."""
    if not await queries.delete_hospital_day(session, day):
        raise HospitalDayNotFound
    record_audit(session, actor, "calendar.remove_hospital_day", subject_id=day.isoformat())


async def warn_of_missing_list(session: AsyncSession, place: Place, at: datetime) -> None:
    """Periodic: an alarm, once for each year that runs or is near and whose list of holidays is not here."""
    today = at.astimezone(place.zone).date()
    for year in sorted({today.year, (today + timedelta(days=_LIST_WANTED_DAYS)).year}):
        source = public_year(place.country, year).source
        if source != "published" and not await was_raised(session, "holiday_list_missing", key=str(year)):
            await raise_alarm(session, "holiday_list_missing", key=str(year), severity="info", year=year, source=source)
