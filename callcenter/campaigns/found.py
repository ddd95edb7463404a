"""What an audience finds, as contacts: the key of the occasion, and the variables that texts may name. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from callcenter.campaigns.audience_queries import FoundRow
from callcenter.campaigns.audiences import Look
from callcenter.campaigns.contacts import NewContact

VARIABLES = ("when", "day", "department", "doctor", "item", "note", "age")
"""Beside ``name``. Empty where an audience has nothing of the kind."""
_ITEMS: Mapping[str, tuple[str, str]] = {
    "check_up": ("体检", "check-up"),
    "vaccination": ("疫苗接种", "vaccination"),
    "re_examination": ("复查", "re-examination"),
    "medication": ("取药", "medication"),
}
_LONGEST_VALUE = 200


def contact_of(row: FoundRow, look: Look, day: date, zone: ZoneInfo) -> NewContact:
    """``day``: on which it was looked for, of the hospital's calendar."""
    return NewContact(
        key=look.occasion(row.subject),
        name=row.name,
        language=row.language,
        numbers=row.numbers,
        email=row.email,
        patient_id=row.patient_id,
        appointment_id=row.appointment_id,
        variables=_variables(row, look, day, zone),
    )


def _variables(row: FoundRow, look: Look, day: date, zone: ZoneInfo) -> dict[str, str]:
    is_english = row.language == "en"
    local = row.at.astimezone(zone) if row.at is not None else None
    on: date | None = local.date() if local is not None else look.parameters.get("due_on")
    chinese, english = _ITEMS.get(row.item, ("", ""))
    values = {
        "when": moment_words(local, row.language) if local is not None else "",
        "day": day_words(on, row.language) if on is not None else "",
        "department": (is_english and row.department_en) or row.department_zh,
        "doctor": (is_english and row.doctor_en) or row.doctor_zh,
        "item": english if is_english else chinese,
        "note": row.note,
        "age": str(day.year - row.birth_date.year) if row.birth_date is not None else "",
    }
    return {name: value[:_LONGEST_VALUE] for name, value in values.items()}


def day_words(day: date, language: str) -> str:
    """``11月23日``, ``23 November``."""
    return f"{day.day} {day:%B}" if language == "en" else f"{day.month}月{day.day}日"


def moment_words(local: datetime, language: str) -> str:
    """``11月23日上午9:30``, ``23 November at 9:30 AM``; as callcenter.speech reads them aloud."""
    hour = local.hour % 12 or 12
    if language == "en":
        return f"{day_words(local, 'en')} at {hour}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
    return f"{day_words(local, 'zh')}{_part_of_day(local.hour)}{hour}:{local:%M}"


def _part_of_day(hour: int) -> str:
    parts = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
    return next(word for until, word in parts if hour < until)
