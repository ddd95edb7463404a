"""Whom a campaign finds by itself: shapes that staff fill in, each a query over the published views ``audience_*``.

Kept as jsonb. A day is always the hospital's. What is found becomes a contact whose key names the occasion
(``birthday:<patient>:2026``), so that looking again adds nobody twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from callcenter.calendar.lunar import is_lunar_day
from callcenter.campaigns.rules import Rules

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$")]
Codes = Annotated[tuple[Code, ...], Field(max_length=50)]
ReminderKind = Literal["check_up", "vaccination", "re_examination", "medication"]
_LEAP_YEAR = 2000


class People(Rules):
    """Which patients; what is left out does not matter. The deceased are never among them."""

    sex: Literal["female", "male"] | None = None
    min_age: int | None = Field(default=None, ge=0, le=130)
    max_age: int | None = Field(default=None, ge=0, le=130)
    vip_grades: Codes = ()
    visited_within_days: int | None = Field(default=None, ge=1, le=3_650)
    departments: Codes = Field(default=(), description="Of those visits; needs visited_within_days.")

    @model_validator(mode="after")
    def _departments_of_visits(self) -> "People":
        if self.departments and self.visited_within_days is None:
            raise ValueError("departments are those of visits: say within how many days")
        return self


class Patients(Rules):
    """All who are so; each once in a campaign."""

    kind: Literal["patients"]
    people: People = People()


class Birthday(Rules):
    """Whose birthday is on the day; of those born on 29 February in other years on the 28th."""

    kind: Literal["birthday"]
    days_ahead: int = Field(default=0, ge=0, le=30)
    people: People = People()


class Festival(Rules):
    """All who are so, on one day of the year. Lunar: the 30th of a short month is its last (12-30: New Year's Eve)."""

    kind: Literal["festival"]
    calendar: Literal["solar", "lunar"]
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    people: People = People(visited_within_days=365)

    @model_validator(mode="after")
    def _is_a_day(self) -> "Festival":
        if self.calendar == "lunar" and self.day > 30:
            raise ValueError("a lunar month has thirty days at most")
        if self.calendar == "solar":
            date(_LEAP_YEAR, self.month, self.day)
        return self

    def is_on(self, day: date) -> bool:
        if self.calendar == "lunar":
            return is_lunar_day(day, self.month, self.day)
        return (day.month, day.day) == (self.month, self.day)


class Appointments(Rules):
    """Of the day, ``days_ahead`` from now; only if booked more than so many days before it."""

    kind: Literal["appointments"]
    days_ahead: int = Field(default=1, ge=0, le=30)
    booked_more_than_days_ahead: int | None = Field(default=None, ge=0, le=365)
    statuses: Annotated[tuple[Literal["booked", "confirmed"], ...], Field(min_length=1, max_length=2)] = ("booked",)
    departments: Codes = ()


class MissedAppointments(Rules):
    kind: Literal["missed_appointments"]
    days_ago: int = Field(default=1, ge=1, le=30)
    departments: Codes = ()


class BusyLine(Rules):
    """Who called and hung up waiting, or found the queue full; each number once a day, unless served later that day."""

    kind: Literal["busy_line"]
    days_ago: int = Field(default=1, ge=1, le=7)


class Discharged(Rules):
    kind: Literal["discharged"]
    days_ago: int = Field(ge=1, le=365)
    departments: Codes = ()


class Reminders(Rules):
    """What is due for a patient ``days_ahead`` from now (PUT /reminders)."""

    kind: Literal["reminders"]
    kinds: Annotated[tuple[ReminderKind, ...], Field(min_length=1, max_length=4)]
    days_ahead: int = Field(default=1, ge=0, le=60)


class VisitSample(Rules):
    """``size`` patients drawn from the day's visits, each once; the same draw however often it is made."""

    kind: Literal["visit_sample"]
    size: int = Field(ge=1, le=1_000)
    days_ago: int = Field(default=1, ge=1, le=30)
    departments: Codes = ()


Audience = Annotated[
    Patients
    | Birthday
    | Festival
    | Appointments
    | MissedAppointments
    | BusyLine
    | Discharged
    | Reminders
    | VisitSample,
    Field(discriminator="kind"),
]
AUDIENCE: TypeAdapter[Audience] = TypeAdapter(Audience)

_LATE_DAYS: Mapping[str, int] = {"missed_appointments": 3, "busy_line": 3, "discharged": 3, "visit_sample": 3}


def late_days(audience: Audience) -> int:
    """How many days later it is still good to call those of a day on which nobody could look.

    What lies behind can be asked about on Tuesday too; a birthday or an appointment is over.
    """
    return _LATE_DAYS.get(audience.kind, 0)


@dataclass(frozen=True, slots=True)
class Look:
    """Which query it is, and its parameters; ``occasion``: what the keys of those found begin and end with."""

    query: str
    parameters: dict[str, Any]
    occasion: Callable[[str], str]


def plan_look(audience: Audience, day: date, zone: ZoneInfo, *, campaign_id: UUID, at: datetime) -> Look | None:
    """What is asked on ``day``; None: there is nobody on that day."""
    match audience:
        case Patients():
            return Look("patients", _people(audience.people, day, zone), lambda who: f"patient:{who}")
        case Birthday():
            on = day + timedelta(days=audience.days_ahead)
            parameters = {**_people(audience.people, day, zone), "days": birthdays_on(on)}
            return Look("birthdays", parameters, lambda who: f"birthday:{who}:{on.year}")
        case Festival():
            if not audience.is_on(day):
                return None
            name = f"{audience.calendar}-{audience.month}-{audience.day}"
            parameters = _people(audience.people, day, zone)
            return Look("patients", parameters, lambda who: f"festival:{name}:{who}:{day.year}")
        case Appointments():
            on = day + timedelta(days=audience.days_ahead)
            parameters = {
                **_span(on, zone),
                "not_before": at,
                "zone": zone.key,
                "booked_days": audience.booked_more_than_days_ahead,
                "statuses": list(audience.statuses),
                "departments": _any(audience.departments),
            }
            return Look("appointments", parameters, lambda what: f"appointment:{what}:{on}")
        case MissedAppointments():
            on = day - timedelta(days=audience.days_ago)
            parameters = {**_span(on, zone), "departments": _any(audience.departments)}
            return Look("missed", parameters, lambda what: f"missed:{what}:{on}")
        case BusyLine():
            on = day - timedelta(days=audience.days_ago)
            return Look("busy_line", _span(on, zone), lambda number: f"busy_line:{number}:{on}")
        case Discharged():
            on = day - timedelta(days=audience.days_ago)
            parameters = {**_span(on, zone), "departments": _any(audience.departments)}
            return Look("discharged", parameters, lambda what: f"discharge:{what}:{audience.days_ago}")
        case Reminders():
            on = day + timedelta(days=audience.days_ahead)
            parameters = {"due_on": on, "kinds": list(audience.kinds)}
            return Look("reminders", parameters, lambda what: f"reminder:{what}:{on}")
        case VisitSample():
            on = day - timedelta(days=audience.days_ago)
            parameters = {
                **_span(on, zone),
                "departments": _any(audience.departments),
                "seed": f"{campaign_id}:{on}",
                "size": audience.size,
            }
            return Look("visit_sample", parameters, lambda what: f"visit:{what}:{on}")


def birthdays_on(day: date) -> list[str]:
    """``MMDD`` of those who have their birthday on ``day``."""
    days = [f"{day:%m%d}"]
    if days == ["0228"] and (day + timedelta(days=1)).day == 1:
        days.append("0229")
    return days


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; for 29 February in other years the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _people(people: People, day: date, zone: ZoneInfo) -> dict[str, Any]:
    since = None
    if people.visited_within_days is not None:
        since = _midnight(day - timedelta(days=people.visited_within_days), zone)
    return {
        "sex": people.sex,
        "born_until": None if people.min_age is None else years_before(day, people.min_age),
        "born_after": None if people.max_age is None else years_before(day, people.max_age + 1),
        "vip_grades": _any(people.vip_grades),
        "visited_since": since,
        "departments": _any(people.departments),
    }


def _any(codes: Sequence[str]) -> list[str] | None:
    return list(codes) or None


def _span(day: date, zone: ZoneInfo) -> dict[str, Any]:
    """From its midnight until the next, however long it is when the clock changes."""
    return {"begins_at": _midnight(day, zone), "ends_at": _midnight(day + timedelta(days=1), zone)}


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
