"""Public holidays and make-up workdays of a country, year by year, from published lists.

China's State Council publishes the next year's list late in the year; the library ``chinesecalendar`` follows with a
release. Until it is installed here the days come from ``holidays``: the statutory days without the shifted
weekends, a *preliminary* list. Other countries come from ``holidays`` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays

from callcenter.calendar.policy import DayFact
from callcenter.core.config import Settings

CHINA = "CN"

Source = Literal["published", "preliminary", "unknown"]
"""``unknown``: no list knows this country; it has no public holidays but those that the staff enter."""

_CHINESE_NAMES: Mapping[str, str] = {one.value: one.chinese for one in chinese_calendar.Holiday}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hospital is: its clock, and whose holidays it has (ISO 3166)."""

    zone: ZoneInfo
    country: str

    @classmethod
    def of(cls, settings: Settings) -> "Place":
        return cls(ZoneInfo(settings.time_zone), settings.country)


@dataclass(frozen=True, slots=True)
class PublicYear:
    """One year's public days that are not as their weekday."""

    source: Source
    days: Mapping[date, DayFact]


@lru_cache(maxsize=64)
def public_year(country: str, year: int) -> PublicYear:
    """The public holidays and make-up workdays of a year."""
    if country == CHINA:
        try:
            return PublicYear("published", _published_in_china(year))
        except NotImplementedError:  # how chinesecalendar says that it does not know the year
            return PublicYear("preliminary", _statutory_days(country, year))
    try:
        return PublicYear("published", _statutory_days(country, year))
    except NotImplementedError:  # how holidays says that it does not know the country
        return PublicYear("unknown", {})


def find_public_day(country: str, day: date) -> DayFact | None:
    """What the published list says of a day; None: nothing."""
    return public_year(country, day.year).days.get(day)


def read_lists(place: Place, at: datetime) -> None:
    """Read this year's list and the next now: the first look at a year takes a tenth of a second, while nothing
    else runs.
    """
    year = at.astimezone(place.zone).year
    for one in (year, year + 1):
        public_year(place.country, one)


def _published_in_china(year: int) -> dict[date, DayFact]:
    """Raises NotImplementedError for a year whose list the library does not have."""
    days = {}
    first = date(year, 1, 1)
    for number in range((date(year + 1, 1, 1) - first).days):
        day = first + timedelta(days=number)
        off, name = chinese_calendar.get_holiday_detail(day)
        if name is not None:  # a plain weekend has no name
            chinese = _CHINESE_NAMES.get(name, name)
            days[day] = DayFact("holiday" if off else "workday", chinese, name)
    return days


def _statutory_days(country: str, year: int) -> dict[date, DayFact]:
    """Raises NotImplementedError for a country that the library does not know."""
    chinese = holidays.country_holidays(country, years=year, language="zh_CN")  # else the country's own language
    english = holidays.country_holidays(country, years=year, language="en_US")
    return {day: DayFact("holiday", name, english[day]) for day, name in sorted(chinese.items()) if day.year == year}
